"""`serumpun verify` finds every error that is planted by hand, names it, and its cures make the installation whole."""

import shlex
from collections.abc import Sequence

import msgspec
import pytest

from services.operations.effect_checks import audits_of
from services.operations.replaying import types_of
from shared.settings import SERVICES
from tests.operations.conftest import Installation
from tests.operations.planted import CURABLE, EFFECTS, JOURNAL, NUMBERS, POSITIONS, Planted


async def test_an_installation_that_was_used_and_stopped_is_whole(unbroken: Installation) -> None:
    answered = await unbroken.command("verify", "--wait", "0")
    assert answered.code == 0
    *warnings, end = answered.output.splitlines()
    assert warnings == []
    assert end.startswith("whole: ")
    checked = (await unbroken.command("verify", "--wait", "0", "--json")).read(dict[str, object])["checked"]
    assert min(msgspec.convert(checked, dict[str, int]).values()) >= 7


@pytest.mark.parametrize(
    "errors", [EFFECTS, JOURNAL, NUMBERS, POSITIONS], ids=["effects", "journal", "numbers", "positions"]
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
