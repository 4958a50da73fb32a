"""The keys of an installation are made once, are the same for everybody after, and are open to nobody else."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.keys import KeyStore, KeyUnusable

FILES = ("token.jwk", "master.key")


def test_keys_are_made_at_the_first_start_and_kept(tmp_path: Path) -> None:
    first, second = KeyStore(tmp_path), KeyStore(tmp_path)
    assert len(first.master) == 32
    assert first.master == second.master
    assert first.signing.as_dict(private=True) == second.signing.as_dict(private=True)
    assert not first.verifying.is_private


def test_two_installations_share_no_key(tmp_path: Path) -> None:
    one, other = KeyStore(tmp_path / "one"), KeyStore(tmp_path / "other")
    assert one.master != other.master
    assert one.signing.kid != other.signing.kid


@pytest.mark.parametrize("name", FILES)
def test_only_the_owner_of_the_installation_reads_its_keys(tmp_path: Path, name: str) -> None:
    KeyStore(tmp_path)
    assert stat.S_IMODE((tmp_path / "keys" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        stores = list(threads.map(KeyStore, [tmp_path] * 16))
    assert len({store.master for store in stores}) == 1
    assert len({store.signing.kid for store in stores}) == 1
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == sorted(FILES)  # no draft is left


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", ["", "{}", "not a key", "00ff", '{"kty":"OKP","crv":"Ed25519","x":"AAAA"}', "[1]"])
def test_a_damaged_key_file_is_named_in_one_line(tmp_path: Path, name: str, content: str) -> None:
    KeyStore(tmp_path)
    path = tmp_path / "keys" / name
    path.write_text(content)
    with pytest.raises(KeyUnusable) as refusal:
        KeyStore(tmp_path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert path.read_text() == content  # nothing is replaced behind the operator's back


def test_a_key_open_to_everybody_is_refused_with_the_command_that_closes_it(tmp_path: Path) -> None:
    KeyStore(tmp_path)
    path = tmp_path / "keys" / "master.key"
    path.chmod(0o644)
    with pytest.raises(KeyUnusable, match=f"chmod 600 {path}"):
        KeyStore(tmp_path)


def test_a_folder_that_cannot_hold_keys_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file where the folder should be")
    with pytest.raises(KeyUnusable, match="keys"):
        KeyStore(tmp_path)


def test_a_new_key_for_personal_data_is_taken_up_by_whoever_runs_already(tmp_path: Path) -> None:
    running = KeyStore(tmp_path)
    assert running.personal() == (running.master,)
    KeyStore(tmp_path).personal.renew()
    newest, last = running.personal()
    assert (last, len(newest)) == (running.master, 32)
    assert running.master.hex() not in running.personal.path.read_text()
    assert stat.S_IMODE(running.personal.path.stat().st_mode) == 0o600
    KeyStore(tmp_path).personal.write([newest])
    assert running.personal() == (newest,)


@pytest.mark.parametrize("content", ["", "x", "ab" * 31, "master\nmaster", "master\n" + "zz" * 32])
def test_a_damaged_list_of_keys_is_one_line(tmp_path: Path, content: str) -> None:
    keys = KeyStore(tmp_path)
    keys.personal.path.write_text(content)
    keys.personal.path.chmod(0o600)
    with pytest.raises(KeyUnusable, match=r"personal\.keys"):
        keys.personal()
