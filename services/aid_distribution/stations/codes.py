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
GROUP = 4
"""So many letters of a code are read at once."""
TYPED_AT = "/lapor"
WORDS = ("Airnya habis? Pindai kode ini", "No water? Scan this code")


def report_code(vault: Vault, station_id: UUID) -> str:
    """Give the code of a station: 26 letters and digits."""
    return b32encode(vault.code(str(station_id), "station report")[:CODE_BYTES]).decode().rstrip("=")


def digest(code: str) -> bytes:
    """Give what is stored in place of a code."""
    return sha256(code.encode()).digest()


def address(public_url: str, code: str) -> str:
    """Give the address of the page on which a station is reported."""
    return f"{public_url}/aid/station-reports/{code}"


def qr_svg(public_url: str, code: str) -> bytes:
    """Draw what hangs at a station: a QR code that can still be read with a quarter of it scratched off, and its code.

    Beneath it stands what to do, also for whoever has no camera.
    """
    groups = "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))
    typed = f"{public_url.partition('://')[2]}{TYPED_AT}"
    words = (*WORDS, typed, groups)
    return qr_codes.svg_with_words(address(public_url, code), words, scale=SVG_SCALE, scratched="q")
