"""Personal data at rest: sealed for one cell of one table, under a key of the person it belongs to.

Destroying the wrapped key that is stored with a person makes everything sealed under it unreadable, in every
backup too: that is what erasure means here. The master key wraps all of them and never leaves its file.
Source: DOMAIN section 6 (Law 27/2022)
"""

import hmac
import secrets
from base64 import b32encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
MARK_BYTES = 10
"""80 bits, to be guessed only by asking here: 16 letters in base 32, without any to fill up."""

FORM = b"\x01"
"""The first byte of everything sealed, so that another cipher can follow one day."""

NAMED_FORM = b"\x02"
"""The first byte of a person's key that says which key wraps it; the name follows."""

KEY_NAME_BYTES = 8

MASK = "*"
NIK_SHOWN = 4
PHONE_SHOWN = 3
COUNTRY_SHOWN = 3
"""`+62`, which says nothing of the person."""


class Unreadable(Exception):
    """What is stored cannot be opened here: another key, another cell, or changed bytes. Never a caller's mistake."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a sealed value is stored; it opens nowhere else, so two rows cannot be swapped."""

    table: str
    column: str
    row: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedColumn:
    """A column that holds sealed values of persons, as the capability that owns it declares it.

    Shape:  the value of a row is sealed for the cell (table, column, `row`) under the key of the person whom `owner`
            names, for one `purpose`; `index` is the column beside it by which equal values of a `kind` are found
    """

    table: str
    column: str
    purpose: str
    row: str = "id"
    owner: str = "owner_id"
    index: str | None = None
    kind: str = ""

    @property
    def name(self) -> str:
        """Give `table.column`."""
        return f"{self.table}.{self.column}"

    def cell(self, row: object) -> Cell:
        """Give the cell of one row."""
        return Cell(self.table, self.column, str(row))


class PersonKey:
    """Seal and open the values of one person.

    Shape:  `wrapped` is what is stored with the person; it is of no use without the master key
    """

    def __init__(self, plain: bytes, wrapped: bytes) -> None:
        self.wrapped = wrapped
        self._cipher = AESGCMSIV(plain)

    def seal(self, cell: Cell, value: str) -> bytes:
        """Encrypt a value for one cell; the same value gives other bytes each time."""
        return self.seal_bytes(cell, value.encode())

    def open(self, cell: Cell, sealed: bytes) -> str:
        """Decrypt the value of one cell; raises Unreadable when it was not sealed for this cell with this key."""
        return self.open_bytes(cell, sealed).decode()

    def seal_bytes(self, cell: Cell, value: bytes) -> bytes:
        """Encrypt what is no text for one cell."""
        return _sealed(self._cipher, value, _bound("cell", cell.table, cell.column, cell.row))

    def open_bytes(self, cell: Cell, sealed: bytes) -> bytes:
        """Decrypt what is no text, as `open` does."""
        return _opened(self._cipher, sealed, _bound("cell", cell.table, cell.column, cell.row))


@dataclass(frozen=True, slots=True)
class _Version:
    """What follows from one key for personal data: how it begins what it wraps, its cipher, and its index key."""

    begins: bytes
    wrapping: AESGCMSIV
    index_key: bytes


class Vault:
    """Hand out the keys of persons, and the index by which sealed values are found again.

    Shape:  the master key is the root of everything else; `personal` gives the keys that wrap those of persons and key
            the index, the one in use first (`shared.keys.PersonalKeys`). Without it the master key is the only one
    """

    def __init__(self, master: bytes, personal: Callable[[], Sequence[bytes]] | None = None) -> None:
        self._master = master
        self._personal = personal or (lambda: (master,))
        self._versions: dict[bytes, _Version] = {}
        self._code_key = _derived(master, "index sealed values")
        self._signing_root = _derived(master, "sign papers")
        self._mark_key = _derived(master, "mark what is published")
        self._answers = AESGCMSIV(_derived(master, "keep answers"))
        self._requests_key = _derived(master, "recognise requests")

    def _current(self) -> list[_Version]:
        """Give the versions that are read at the moment, the one in use first."""
        keys = self._personal()
        for key in keys:
            if key not in self._versions:
                name = b"" if key == self._master else _derived(key, "name a key")[:KEY_NAME_BYTES]
                self._versions[key] = _Version(
                    begins=NAMED_FORM + name if name else FORM,
                    wrapping=AESGCMSIV(_derived(key, "wrap person keys")),
                    index_key=_derived(key, "index sealed values"),
                )
        return [self._versions[key] for key in keys]

    @property
    def begins(self) -> bytes:
        """Give the bytes with which every key of a person begins that is wrapped by the key in use."""
        return self._current()[0].begins

    def new_person(self, person: str) -> PersonKey:
        """Make the key of a person who has none yet; store its `wrapped` with the person."""
        return self._wrapped(person, secrets.token_bytes(KEY_BYTES))

    def _wrapped(self, person: str, plain: bytes) -> PersonKey:
        version = self._current()[0]
        return PersonKey(plain, _sealed(version.wrapping, plain, _bound("person", person), version.begins))

    def person(self, person: str, wrapped: bytes) -> PersonKey:
        """Give the key of a person from what is stored; raises Unreadable when it is not this person's."""
        return PersonKey(self._unwrapped(person, wrapped), wrapped)

    def _unwrapped(self, person: str, wrapped: bytes) -> bytes:
        for version in self._current():
            if wrapped.startswith(version.begins):
                return _opened(version.wrapping, wrapped, _bound("person", person), version.begins)
        raise Unreadable("wrapped by a key that is not known here")

    def rewrapped(self, person: str, wrapped: bytes) -> bytes:
        """Give the same key of a person wrapped by the key in use."""
        return self._wrapped(person, self._unwrapped(person, wrapped)).wrapped

    def index(self, value: str, kind: str = "nik") -> bytes:
        """Give 32 bytes that are the same for equal values of one kind, and tell nothing without the key in use.

        What is stored may stand under an earlier key until it is rotated: look it up under all `indexes`.
        """
        return self.indexes(value, kind)[0]

    def indexes(self, value: str, kind: str = "nik") -> list[bytes]:
        """Give the index of a value under every key that is read at the moment, the one in use first."""
        return [hmac.digest(version.index_key, _bound(kind, value), "sha256") for version in self._current()]

    def lock(self, value: str, kind: str) -> int:
        """Give the number of the advisory lock under which a value is looked up and stored, whatever keys there are."""
        return int.from_bytes(hmac.digest(self._code_key, _bound("lock", kind, value), "sha256")[:8], signed=True)

    def code(self, value: str, kind: str) -> bytes:
        """Give 32 bytes that nobody can make without the master key, and that stay the same whatever is rotated."""
        return hmac.digest(self._code_key, _bound(kind, value), "sha256")

    def digest(self, content: bytes) -> bytes:
        """Give 32 bytes by which the same request is known again; nobody can try out numbers on it without the key."""
        return hmac.digest(self._requests_key, content, "sha256")

    def keep_answer(self, caller: str, key: str, body: bytes) -> bytes:
        """Seal an answer that is kept for a retry and holds what is stored sealed everywhere else."""
        return _sealed(self._answers, body, _bound("answer", caller, key))

    def kept_answer(self, caller: str, key: str, kept: bytes) -> bytes:
        """Open an answer that was kept; what was not sealed, as after an erasure, is given as it is."""
        return _opened(self._answers, kept, _bound("answer", caller, key)) if kept[:1] == FORM else kept

    def hold(self, purpose: str, key: str, value: str) -> bytes:
        """Seal what waits for a moment to be used, for one purpose and key: nobody can read it meanwhile."""
        return _sealed(self._answers, value.encode(), _bound("hold", purpose, key))

    def held(self, purpose: str, key: str, sealed: bytes) -> str:
        """Open what `hold` has sealed; raises Unreadable for anything else."""
        return _opened(self._answers, sealed, _bound("hold", purpose, key)).decode()

    def signer(self, purpose: str) -> Ed25519PrivateKey:
        """Give the key that signs papers of one purpose, always the same.

        It is not the key of the tokens, so that no paper can ever be shown as a token, nor as one of another purpose.
        """
        return Ed25519PrivateKey.from_private_bytes(_derived(self._signing_root, purpose))

    def mark(self, purpose: str, value: str) -> str:
        """Give 16 letters and digits for what goes out in public, which nobody can make without the master key."""
        return b32encode(hmac.digest(self._mark_key, _bound(purpose, value), "sha256")[:MARK_BYTES]).decode()

    def marked(self, purpose: str, value: str, mark: str) -> bool:
        """Tell whether these letters are the mark of this value, in a time that says nothing of how near they are."""
        return hmac.compare_digest(self.mark(purpose, value).encode(), mark.encode())


def mask_nik(nik: str) -> str:
    """Show only the last four digits: enough to tell two cards apart on a screen, too little to use one."""
    return _masked(nik, 0, NIK_SHOWN)


def mask_kk(kk: str) -> str:
    """Show only the last four digits of the number of a family card."""
    return _masked(kk, 0, NIK_SHOWN)


def mask_phone(phone: str) -> str:
    """Show the country and the last three digits of a number in E.164."""
    return _masked(phone, COUNTRY_SHOWN if phone.startswith("+") else 0, PHONE_SHOWN)


def _masked(text: str, first: int, last: int) -> str:
    hidden = len(text) - first - last
    if hidden < first + last:  # what is too short to hide most of itself is hidden whole
        return MASK * len(text)
    return text[:first] + MASK * hidden + text[-last:]


def _derived(master: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"serumpun/1/{purpose}".encode()).derive(master)


def _bound(*names: str) -> bytes:
    # Each part with its length, so that ("ab", "c") and ("a", "bc") are never the same bytes.
    parts = [name.encode() for name in names]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _sealed(cipher: AESGCMSIV, plain: bytes, bound: bytes, begins: bytes = FORM) -> bytes:
    # SIV forgives a nonce that comes twice; 96 random bits make even that not happen.
    nonce = secrets.token_bytes(NONCE_BYTES)
    return begins + nonce + cipher.encrypt(nonce, plain, begins + bound)


def _opened(cipher: AESGCMSIV, sealed: bytes, bound: bytes, begins: bytes = FORM) -> bytes:
    if not sealed.startswith(begins):
        raise Unreadable("not a sealed value, or of a form that is not known here")
    start = len(begins)
    nonce, rest = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, rest, begins + bound)
    except (InvalidTag, ValueError) as error:
        raise Unreadable("sealed with another key, for another place, or changed since") from error
