"""The code that a station bears for the public: nobody guesses it, and the database does not hold it.

It is a MAC of the station's id under the installation's key, so it can be printed again at any time; what is stored is
its hash, so a copy of the tables reports nothing.
"""

from base64 import b32encode
from hashlib import sha256
from uuid import UUID

from shared import qr_codes
from shared.privacy import Vault

CODE_BYTES = 16
SVG_SCALE = 8


def report_code(vault: Vault, station_id: UUID) -> str:
    """Give the code of a station: 26 letters and digits."""
    return b32encode(vault.code(str(station_id), "station report")[:CODE_BYTES]).decode().rstrip("=")


def digest(code: str) -> bytes:
    """Give what is stored in place of a code."""
    return sha256(code.encode()).digest()


def qr_svg(address: str) -> bytes:
    """Draw an address as a QR code that can still be read with a quarter of it scratched off."""
    return qr_codes.svg(address, scale=SVG_SCALE, scratched="q")
