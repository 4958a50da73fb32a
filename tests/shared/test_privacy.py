"""What is sealed opens in its own cell, for its own person, with the master key, and nowhere else."""

import secrets
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.privacy import Cell, PersonKey, Unreadable, Vault, mask_nik, mask_phone

NIK = "1971014309850001"
CELL = Cell("owner", "nik", "0192d7a0-0000-7000-8000-000000000001")
MASTER = bytes(range(32))


@pytest.fixture
def vault() -> Vault:
    return Vault(MASTER)


@pytest.fixture
def key(vault: Vault) -> PersonKey:
    return vault.new_person("siti")


@given(value=st.text(max_size=200))
def test_whatever_is_sealed_is_read_again_from_what_is_stored(value: str) -> None:
    key = Vault(MASTER).new_person("siti")
    sealed = key.seal(CELL, value)
    assert Vault(MASTER).person("siti", key.wrapped).open(CELL, sealed) == value


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(CELL, row="0192d7a0-0000-7000-8000-000000000002"),
        replace(CELL, column="kk"),
        replace(CELL, table="employee"),
        Cell("ownern", "ik", CELL.row),
    ],
)
def test_a_value_moved_to_another_cell_does_not_open(key: PersonKey, elsewhere: Cell) -> None:
    sealed = key.seal(CELL, NIK)
    assert key.open(CELL, sealed) == NIK
    with pytest.raises(Unreadable):
        key.open(elsewhere, sealed)


def test_one_changed_bit_anywhere_does_not_open(key: PersonKey) -> None:
    sealed = key.seal(CELL, NIK)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Unreadable):
            key.open(CELL, bytes(changed))


@pytest.mark.parametrize("stored", [b"", b"\x01", b"\x01" + bytes(12), b"\x02" + bytes(60), NIK.encode()])
def test_bytes_that_were_never_sealed_are_unreadable_and_not_an_accident(key: PersonKey, stored: bytes) -> None:
    with pytest.raises(Unreadable):
        key.open(CELL, stored)


def test_without_the_key_of_the_person_nothing_opens(vault: Vault, key: PersonKey) -> None:
    sealed = key.seal(CELL, NIK)
    with pytest.raises(Unreadable):
        vault.new_person("siti").open(CELL, sealed)  # erased, and registered anew


def test_the_key_of_one_person_is_not_taken_for_that_of_another(vault: Vault, key: PersonKey) -> None:
    with pytest.raises(Unreadable):
        vault.person("budi", key.wrapped)


def test_another_master_key_opens_nothing(key: PersonKey) -> None:
    with pytest.raises(Unreadable):
        Vault(secrets.token_bytes(32)).person("siti", key.wrapped)


def test_a_sealed_value_shows_neither_itself_nor_that_it_is_the_same(key: PersonKey) -> None:
    first, second = key.seal(CELL, NIK), key.seal(CELL, NIK)
    assert first != second
    assert NIK.encode() not in first + second


def test_equal_values_are_found_again_by_their_index(vault: Vault) -> None:
    assert vault.index(NIK) == Vault(MASTER).index(NIK)
    assert len(vault.index(NIK)) == 32
    assert vault.index(NIK) != vault.index("1971014309850002")


def test_an_index_says_nothing_without_the_master_key_nor_across_kinds(vault: Vault) -> None:
    assert vault.index(NIK) != Vault(secrets.token_bytes(32)).index(NIK)
    assert vault.index(NIK, "nik") != vault.index(NIK, "kk")
    assert vault.index("b", "a") != vault.index("", "ab")


def test_a_mask_shows_the_end_and_nothing_of_birth_or_region() -> None:
    assert mask_nik(NIK) == "************0001"
    assert mask_phone("+6281234567890") == "+62********890"
    assert mask_phone("081234567890") == "*********890"


@pytest.mark.parametrize("text", ["", "1", "1234", "1234567"])
def test_a_mask_of_something_short_shows_nothing(text: str) -> None:
    assert mask_nik(text) == "*" * len(text)
    assert set(mask_phone("+" + text)) <= {"*"}


OLD, NEW = b"o" * 32, b"n" * 32


def test_what_an_earlier_key_wrapped_is_read_and_wrapped_anew_by_the_one_in_use() -> None:
    before = Vault(MASTER).new_person("siti")
    sealed = before.seal(CELL, NIK)
    both = Vault(MASTER, lambda: (NEW, MASTER))
    assert both.person("siti", before.wrapped).open(CELL, sealed) == NIK
    anew = both.rewrapped("siti", before.wrapped)
    assert anew.startswith(both.begins)
    assert not before.wrapped.startswith(both.begins)
    assert Vault(MASTER, lambda: (NEW,)).person("siti", anew).open(CELL, sealed) == NIK
    with pytest.raises(Unreadable):
        Vault(MASTER, lambda: (OLD, MASTER)).person("siti", anew)
    with pytest.raises(Unreadable):
        both.person("budi", anew)


def test_a_value_is_looked_up_under_every_key_that_is_read() -> None:
    before, both = Vault(MASTER), Vault(MASTER, lambda: (NEW, MASTER))
    assert both.indexes(NIK) == [both.index(NIK), before.index(NIK)]
    assert both.index(NIK) != before.index(NIK)
    assert both.lock(NIK, "nik") == before.lock(NIK, "nik"), "whoever knows fewer keys waits at the same lock"
    assert both.code("station", "x") == before.code("station", "x"), "what was printed stays true"


def test_a_kept_answer_opens_for_its_caller_and_key_alone(vault: Vault) -> None:
    kept = vault.keep_answer("staff-1", "k", NIK.encode())
    assert NIK.encode() not in kept
    assert vault.kept_answer("staff-1", "k", kept) == NIK.encode()
    assert vault.kept_answer("staff-1", "k", b'{"erased":true}') == b'{"erased":true}'
    for caller, key in (("staff-2", "k"), ("staff-1", "l")):
        with pytest.raises(Unreadable):
            vault.kept_answer(caller, key, kept)
