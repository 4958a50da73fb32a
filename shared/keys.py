"""The two secrets of an installation, made at its first start and kept in files that only their owner reads."""

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from shared.crashpoints import reach
from shared.settings import SettingInvalid

MASTER_KEY_BYTES = 32
OTHERS = stat.S_IROTH | stat.S_IWOTH
"""A group may read where the platform mounts secrets so; nobody else ever."""


class KeyUnusable(SettingInvalid):
    """A key file cannot be used; the message is one line, names it and says what to do."""


class KeyStore:
    """Give the keys of an installation, making them if this is its first start.

    Shape:  `signing` signs our tokens and `verifying` is its public half; `master` (32 bytes) is the root of all
            encryption of personal data: who loses it has lost them
    Raises: KeyUnusable for a file that is damaged, unreadable or open to others
    """

    def __init__(self, home: Path) -> None:
        folder = home / "keys"
        self.signing = _token_key(_kept(folder / "token.jwk", _new_token_key))
        self.verifying = OKPKey.import_key(self.signing.as_dict(private=False))
        self.master = _master_key(_kept(folder / "master.key", _new_master_key))


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
