"""What `serumpun verify` sees of broadcasts: nothing while all is well, and each mistake that was planted."""

import pytest
from sqlalchemy import text

from services.aid_distribution.ledger.audit import audit
from services.notifications.audits import FIGURES
from services.notifications.broadcasts import expanding
from shared.database import Database
from tests.notifications.broadcast_story import drafted, let_go, people
from tests.notifications.story import OFFICE, Door

PLANTED = {
    "broadcast_told_is_counted": "UPDATE broadcast SET told = told + 1",
    "broadcast_message_is_of_its_reader": "UPDATE message SET fact = 'broadcast/x' WHERE id IN (SELECT id FROM message"
    " LIMIT 1)",
    "broadcast_message_has_its_reader": "INSERT INTO message SELECT (json_populate_record(m, json_build_object("
    "'id', gen_random_uuid(), 'fact', 'broadcast/x'))).* FROM message m LIMIT 1",
    "broadcast_goes_out_as_noted": "DELETE FROM delivery WHERE id IN (SELECT id FROM delivery LIMIT 1)",
    "broadcast_is_its_last_step": "DELETE FROM broadcast_step WHERE no = 2",
    "broadcast_few_are_told_alone": "WITH another AS (INSERT INTO broadcast SELECT (json_populate_record(b,"
    " json_build_object('id', gen_random_uuid(), 'counted', 498, 'told', 0, 'submitted_at',"
    " b.submitted_at + interval '23 hours 59 minutes'))).* FROM broadcast b RETURNING id)"
    " INSERT INTO broadcast_step SELECT (json_populate_record(s, json_build_object('broadcast_id', a.id))).*"
    " FROM broadcast_step s, another a",
}


@pytest.fixture
async def broadcast(door: Door, database: Database) -> None:
    await people(database, 3)
    await let_go(door, await drafted(door))
    await expanding.once(database)


async def found(database: Database) -> set[str]:
    async with database.reading(OFFICE) as work:
        return {one.check for one in await audit(work.session, FIGURES)}


async def test_nothing_is_found_while_all_is_well(broadcast: None, database: Database) -> None:
    assert await found(database) == set()


def test_every_check_has_a_mistake_that_it_finds() -> None:
    assert PLANTED.keys() == FIGURES.keys()


async def test_as_many_as_may_be_told_alone_in_a_day_are_no_mistake(broadcast: None, database: Database) -> None:
    planted = PLANTED["broadcast_few_are_told_alone"]
    for changed in (planted.replace("498", "497"), planted.replace("23 hours 59", "24 hours 00").replace("498", "500")):
        async with database.work(OFFICE) as work:
            await work.session.execute(text(changed))
            assert {one.check for one in await audit(work.session, FIGURES)} == set()
            await work.session.rollback()


@pytest.mark.parametrize("check", PLANTED)
async def test_each_mistake_is_found_by_its_name(broadcast: None, database: Database, check: str) -> None:
    async with database.work(OFFICE) as work:
        await work.session.execute(text(PLANTED[check]))
    assert await found(database) == {check}
