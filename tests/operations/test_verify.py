"""`serumpun verify` finds every error that is planted by hand, names it, and its cures make the installation whole."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from services.operations.effect_checks import audits_of
from services.operations.replaying import types_of
from shared.settings import SERVICES
from tests.operations.conftest import Installation
from tests.operations.planted import CHAIN, CURABLE, EFFECTS, JOURNAL, MERGES, NUMBERS, POSITIONS, Planted

REGIONS = ("19", "19.01", "19.02", "19.03", "19.04", "19.05", "19.06", "19.71")


async def test_an_installation_that_was_used_and_stopped_is_whole(unbroken: Installation) -> None:
    answered = await unbroken.command("verify", "--wait", "0")
    assert answered.code == 0
    *warnings, end = answered.output.splitlines()
    assert warnings == []
    assert end.startswith("whole: ")
    checked = (await unbroken.command("verify", "--wait", "0", "--json")).read(dict[str, object])["checked"]
    assert min(msgspec.convert(checked, dict[str, int]).values()) >= 5


@pytest.mark.parametrize(
    "errors",
    [EFFECTS, JOURNAL, MERGES, CHAIN, NUMBERS, POSITIONS],
    ids=["effects", "journal", "merges", "chain", "numbers", "positions"],
)
async def test_every_error_planted_by_hand_is_found_with_its_place_and_its_cure(
    there: Installation, errors: Sequence[Planted]
) -> None:
    for planted in errors:
        await planted.plant(there)
    found = await there.faults()
    for planted in errors:
        assert any(
            check == planted.check and _says(planted.where, place) and planted.cure in cure
            for check, place, cure in found
        ), (planted.name, found)


def _says(words: str, place: str) -> bool:
    begin, _, end = words.partition("{}")
    return begin in place and end in place


async def test_what_is_not_planted_is_not_found(there: Installation) -> None:
    for planted in (one for one in EFFECTS if one.name in ("a message deleted", "a known business changed")):
        await planted.plant(there)
    assert sorted(check for check, _, _ in await there.faults()) == ["effect_is_there_once"] * 2


async def test_the_commands_that_verify_names_cure_all_of_it(there: Installation) -> None:
    for planted in CURABLE:
        await planted.plant(there)
    for _ in range(2):  # what an outbox had lost can be missed in a consumer only when it is back
        cures = {
            cure: None for _, _, cure in await there.faults() if cure.startswith(("serumpun events", "serumpun stock"))
        }
        for cure in cures:
            cured = await there.command(*shlex.split(cure)[1:], "--yes", "--reason", "it was planted")
            assert cured.code == 0, (cure, cured)
    await there.becomes_whole()


@pytest.mark.parametrize("service", SERVICES)
def test_every_reaction_declares_how_its_effect_can_be_seen(service: str) -> None:
    declared = {event.type for audit in audits_of(service).heard for event in audit.events}
    assert declared == types_of(service)


async def test_what_an_operator_has_skipped_on_record_is_not_missed(there: Installation) -> None:
    await EFFECTS[0].plant(there)
    assert await there.faults()
    await there.sql(
        "notifications",
        """
        INSERT INTO operator_act (id, at, actor, act, reason, source, partition, first_seq, last_seq)
        SELECT gen_random_uuid(), now(), 'x', 'position', 'x', 'aid_distribution', p, 1, 999
        FROM generate_series(0, 3) AS p
        """,
    )
    assert await there.faults() == []


async def test_heads_that_were_kept_outside_find_what_an_administrator_hid(there: Installation, tmp_path: Path) -> None:
    kept = tmp_path / "heads.json"
    async with there.running() as client:
        kept.write_bytes((await client.get("/aid/chain")).content)
    assert len(msgspec.json.decode(kept.read_bytes())["items"]) == len(REGIONS)
    assert (await there.command("verify", "--wait", "0", "--heads", str(kept))).code == 0
    await there.sql(
        "aid_distribution",
        *(f"DELETE FROM {table} WHERE region = '19.05'" for table in ("posting", "chain_head", "signed_head")),  # noqa: S608
    )
    checks = {check for check, _, _ in await there.faults()}
    assert not checks & {"chain_is_unbroken", "head_is_last_posting", "signed_head_is_on_chain"}
    found = await there.command("verify", "--wait", "0", "--heads", str(kept))
    assert found.code == 1
    assert "signed_head_is_on_chain" in found.output
    assert "19.05 number " in found.output


async def test_what_is_no_answer_with_heads_is_refused_in_one_line(unbroken: Installation, tmp_path: Path) -> None:
    (tmp_path / "heads.json").write_text('{"items": [{"region": "19"}]}')
    for name in ("heads.json", "missing.json"):
        refused = await unbroken.command("verify", "--heads", str(tmp_path / name))
        assert refused.code == 1
        assert "holds no answer of GET /aid/chain" in refused.line


async def test_without_the_keys_signatures_are_said_not_to_be_checked(unbroken: Installation, tmp_path: Path) -> None:
    elsewhere = Installation({**unbroken.environment, "SERUMPUN_HOME": str(tmp_path)}, unbroken.urls, unbroken.redis)
    answered = await elsewhere.command("verify", "--wait", "0")
    assert answered.code == 0
    assert "signatures were not checked" in answered.output
    assert not (tmp_path / "keys").exists()
