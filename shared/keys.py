"""The secrets of an installation, made at its first start and kept in files that only their owner reads."""

import os
import secrets
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from shared.crashpoints import reach
from shared.settings import SettingInvalid

MASTER_KEY_BYTES = 32
MASTER_LINE = "master"
"""Stands for the master key in the list of keys for personal data."""
OTHERS = stat.S_IROTH | stat.S_IWOTH
"""A group may read where the platform mounts secrets so; nobody else ever."""


class KeyUnusable(SettingInvalid):
    """A key file cannot be used; the message is one line, names it and says what to do."""


class KeyStore:
    """Give the keys of an installation, making them if this is its first start.

    Shape:  `signing` signs our tokens and `verifying` is its public half; `master` (32 bytes) is the root of all
            encryption of personal data: who loses it has lost them; `personal` are the keys that wrap those of persons
    Raises: KeyUnusable for a file that is damaged, unreadable or open to others
    """

    def __init__(self, home: Path) -> None:
        folder = home / "keys"
        self.signing = _token_key(_kept(folder / "token.jwk", _new_token_key))
        self.verifying = OKPKey.import_key(self.signing.as_dict(private=False))
        self.master = _master_key(_kept(folder / "master.key", _new_master_key))
        self.personal = PersonalKeys(folder / "personal.keys", self.master)


class PersonalKeys:
    """The keys under which personal data stand, the one in use first; called, it gives them as they are now.

    Shape:  a file with a key in hexadecimal in each line, or the word `master` for the master key; without the file
            the master key is the only one. A running process takes up a changed file at its next use
    Raises: KeyUnusable for a file that is damaged or open to others
    """

    def __init__(self, path: Path, master: bytes) -> None:
        self.path = path
        self._master = master
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[bytes, ...] = (master,)

    def __call__(self) -> tuple[bytes, ...]:
        """Give the keys; read anew only when the file is another one than before."""
        try:
            now = self.path.stat()
        except FileNotFoundError:
            self._seen, self._keys = None, (self._master,)
            return self._keys
        seen = (now.st_ino, now.st_mtime_ns, now.st_size)
        if seen != self._seen:
            _, content = _kept(self.path, bytes)
            self._keys, self._seen = self._read(content), seen
        return self._keys

    def _read(self, content: bytes) -> tuple[bytes, ...]:
        lines = content.decode("ascii", "replace").split()
        keys = tuple(self._master if line == MASTER_LINE else self._key(line) for line in lines)
        if not keys or len(set(keys)) < len(keys):
            raise KeyUnusable(f"{self.path} names no key, or one twice; restore it from a backup")
        return keys

    def _key(self, line: str) -> bytes:
        return _master_key((self.path, line.encode("ascii", "replace")))

    def write(self, keys: Sequence[bytes]) -> None:
        """Put another list in the place of this one, whole at once and on disk."""
        lines = [MASTER_LINE if key == self._master else key.hex() for key in keys]
        with NamedTemporaryFile(dir=self.path.parent, prefix=f".{self.path.name}-", delete=False) as draft:
            draft.write("\n".join(lines).encode() + b"\n")
            draft.flush()
            os.fsync(draft.fileno())
        Path(draft.name).replace(self.path)

    def renew(self) -> None:
        """Make a new key, which is in use from now on; the others are still read."""
        self.write([secrets.token_bytes(MASTER_KEY_BYTES), *self()])


def _new_token_key() -> bytes:
    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "Ed25519"}, auto_kid=True)
    return msgspec.json.encode(key.as_dict(private=True))


def _new_master_key() -> bytes:
    return secrets.token_hex(MASTER_KEY_BYTES).encode()


def _token_key(kept: tuple[Path, bytes]) -> OKPKey:
    path, content = kept
    try:
        key = OKPKey.import_key(msgspec.json.decode(content, type=dict[str, str | list[str]]))
        key.ensure_kid()
    except (JoseError, msgspec.DecodeError, ValueError, KeyError) as error:
        raise KeyUnusable(f"{path} is not an Ed25519 key; restore it, or remove it and every token ends") from error
    if key.curve_name != "Ed25519" or not key.is_private:
        raise KeyUnusable(f"{path} is not a private Ed25519 key; restore it, or remove it and every token ends")
    return key


def _master_key(kept: tuple[Path, bytes]) -> bytes:
    path, content = kept
    try:
        master = bytes.fromhex(content.decode("ascii"))
    except ValueError:
        master = b""
    if len(master) != MASTER_KEY_BYTES:
        raise KeyUnusable(f"{path} is damaged; restore it from a backup, without it personal data cannot be read")
    return master


def _kept(path: Path, make: Callable[[], bytes]) -> tuple[Path, bytes]:
    try:
        if not path.exists():
            _write_once(path, make())
        if os.name == "posix" and path.stat().st_mode & OTHERS:
            raise KeyUnusable(f"{path} is open to everybody on this machine; close it: chmod 600 {path}")
        return path, path.read_bytes().strip()
    except OSError as error:
        raise KeyUnusable(f"{path} cannot be used: {error.strerror or error}") from error


def _write_once(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Three processes may start at once on an empty folder: each writes a file of its own, complete and on disk,
    # and only the first can give it the name, so all of them then read the same key.
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-") as draft:  # made with mode 0600
        draft.write(content + b"\n")
        draft.flush()
        os.fsync(draft.fileno())
        reach("keys.drafted", path.name)
        with suppress(FileExistsError):
            os.link(draft.name, path)
