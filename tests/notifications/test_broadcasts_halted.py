"""Broadcasts are paused, resumed, cancelled and come to an end of their own: what is being sent goes, nothing else."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from services.notifications.broadcasts import expanding
from services.notifications.delivery import handlers as delivery
from services.notifications.delivery.domain import Accepted, Deferred, Refused
from services.notifications.delivery.handlers import Answered
from services.notifications.delivery.receipts import Receipt
from services.notifications.delivery.store import Delivery
from services.notifications.giving_up import could_not_be_told
from services.notifications.plans import HELD_LANE, Lane
from shared.database import Database
from tests.notifications.broadcast_story import drafted, let_go, people
from tests.notifications.story import AUDITOR, NOON, OFFICE, PANGKALPINANG, Door, StoppedClock, rows

SENDER = UUID(int=1)


async def begun(door: Door, database: Database, count: int = 6) -> str:
    """Let a broadcast be told to all of its people, of whom nobody has got it yet."""
    await people(database, count)
    path = await drafted(door)
    await let_go(door, path)
    await expanding.once(database)
    return path


async def halted(door: Door, path: str, how: str) -> str:
    body = {"reason": "Tanggalnya salah"} if how == "cancellation" else None
    answer = await door(OFFICE).post(f"{path}/{how}", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["state"])


async def leased(database: Database, count: int = 20) -> list[Delivery]:
    async with database.work(OFFICE) as work:
        return await delivery.lease(work, SENDER, "whatsapp", rows=count)


async def sent(database: Database, taken: list[Delivery], outcome: Accepted | Deferred | Refused) -> None:
    """Hand over what is leased, and write what was answered to each."""
    async with database.work(OFFICE) as work:
        attempts = await delivery.begin(work, SENDER, taken)
    answered = [Answered(one, attempts[one.id], outcome) for one in taken]
    async with database.work(OFFICE) as work:
        await delivery.settle(work, SENDER, answered, could_not_be_told)


async def states(database: Database) -> Counter[tuple[str, str, int]]:
    found = await rows(database, "SELECT channel, state, lane FROM delivery")
    return Counter((str(row["channel"]), str(row["state"]), int(str(row["lane"]))) for row in found)


async def test_what_is_leased_goes_and_what_is_queued_waits_until_it_is_resumed(door: Door, database: Database) -> None:
    path = await begun(door, database)
    taken = await leased(database, 2)
    assert await halted(door, path, "pause") == "paused"
    assert await leased(database) == []
    await sent(database, taken, Accepted())
    assert await states(database) == {
        ("whatsapp", "accepted", HELD_LANE): 2, ("whatsapp", "queued", HELD_LANE): 4
    }  # fmt: skip
    assert await halted(door, path, "resumption") == "running"
    assert len(await leased(database)) == 4


async def test_nobody_more_is_told_while_it_is_paused_also_after_another_start(door: Door, database: Database) -> None:
    await people(database, 20)
    path = await drafted(door)
    await let_go(door, path)
    async with database.work(OFFICE) as work:
        await expanding.look(5, work)
    await halted(door, path, "pause")
    await expanding.once(database, batch=5)
    assert len(await rows(database, "SELECT 1 FROM broadcast_recipient")) == 5
    await halted(door, path, "resumption")
    await expanding.once(database, batch=5)
    assert len(await rows(database, "SELECT 1 FROM broadcast_recipient")) == 20


async def test_no_halt_waits_for_what_a_sender_is_writing_and_the_next_look_sees_to_it(
    door: Door, database: Database
) -> None:
    path = await begun(door, database)
    for how, before, after in (("pause", Lane.BROADCAST, HELD_LANE), ("resumption", HELD_LANE, Lane.BROADCAST)):
        async with database.work(OFFICE) as work:
            await work.session.execute(text("SELECT id FROM delivery ORDER BY id LIMIT 2 FOR UPDATE"))
            async with asyncio.timeout(5):
                await halted(door, path, how)
            assert await states(database) == {("whatsapp", "queued", before): 2, ("whatsapp", "queued", after): 4}
        await expanding.once(database)
        assert await states(database) == {("whatsapp", "queued", after): 6}
    async with database.work(OFFICE) as work:
        await work.session.execute(text("SELECT id FROM delivery ORDER BY id LIMIT 2 FOR UPDATE"))
        async with asyncio.timeout(5):
            await halted(door, path, "cancellation")
    assert len(await leased(database)) == 2
    async with database.work(OFFICE) as work:
        await delivery.release(
            work, SENDER, [UUID(str(row["id"])) for row in await rows(database, "SELECT id FROM delivery")]
        )
    await expanding.once(database)
    assert await leased(database) == []


async def test_what_comes_back_or_fails_while_it_is_paused_waits_too(door: Door, database: Database) -> None:
    path = await begun(door, database)
    again, failed = [[one] for one in await leased(database, 2)]
    await halted(door, path, "pause")
    await sent(database, again, Deferred("later", NOON))
    await sent(database, failed, Refused("no"))
    assert await leased(database) == []
    assert (await states(database))["sms", "queued", HELD_LANE] == 1, "the next way waits as well"
    await halted(door, path, "resumption")
    assert (await states(database))["sms", "queued", Lane.BROADCAST] == 1


async def test_the_next_way_of_what_was_taken_before_a_pause_is_put_to_the_rest_by_the_next_look(
    door: Door, database: Database
) -> None:
    path = await begun(door, database)
    taken = await leased(database, 1)
    await sent(database, taken, Accepted("", "wamid.1"))
    await halted(door, path, "pause")
    async with database.work(OFFICE) as work:
        await delivery.take_receipts(work, "whatsapp", [Receipt("1", "wamid.1", "failed", "470")], could_not_be_told)
    assert (await states(database))["sms", "queued", Lane.BROADCAST] == 1
    await expanding.once(database)
    assert (await states(database))["sms", "queued", HELD_LANE] == 1


async def test_a_paused_broadcast_expires_all_the_same(door: Door, database: Database, clock: StoppedClock) -> None:
    path = await begun(door, database)
    await halted(door, path, "pause")
    clock.advance(timedelta(days=3, seconds=1))
    await expanding.once(database)
    refused = await door(OFFICE).post(f"{path}/resumption")
    assert (refused.status_code, refused.json()["state"]) == (409, "expired")
    async with database.work(OFFICE) as work:
        await delivery.sweep(work, could_not_be_told)
    assert await states(database) == {("whatsapp", "failed", HELD_LANE): 6}


async def test_a_broadcast_that_expired_before_all_were_told_tells_nobody_more(
    door: Door, database: Database, clock: StoppedClock
) -> None:
    await people(database, 10)
    path = await drafted(door)
    await let_go(door, path)
    async with database.work(OFFICE) as work:
        await expanding.look(4, work)
    clock.advance(timedelta(days=3, seconds=1))
    await expanding.once(database)
    detail = (await door(OFFICE).get(path)).json()
    assert (detail["broadcast"]["state"], detail["broadcast"]["told"]) == ("expired", 4)
    assert len(await rows(database, "SELECT 1 FROM message")) == 4


async def test_what_a_second_person_never_decided_expires(door: Door, database: Database, clock: StoppedClock) -> None:
    await people(database, 501)
    path = await drafted(door)
    await let_go(door, path)
    clock.advance(timedelta(days=3, seconds=1))
    await expanding.once(database)
    assert (await door(OFFICE).get(path)).json()["broadcast"]["state"] == "expired"


async def test_a_cancelled_broadcast_sends_nothing_more_and_takes_no_other_way(door: Door, database: Database) -> None:
    path = await begun(door, database)
    accepted, failed = [[one] for one in await leased(database, 2)]
    assert await halted(door, path, "cancellation") == "cancelled"
    assert await leased(database) == []
    await sent(database, accepted, Accepted())
    await sent(database, failed, Refused("no"))
    async with database.work(OFFICE) as work:
        await delivery.sweep(work, could_not_be_told)
    assert await states(database) == {
        ("whatsapp", "accepted", Lane.BROADCAST): 1, ("whatsapp", "failed", Lane.BROADCAST): 5
    }  # fmt: skip
    for how in ("pause", "resumption", "submission"):
        refused = await door(OFFICE).post(f"{path}/{how}")
        assert (refused.status_code, refused.json()["code"]) == (409, "broadcast_state_wrong")


async def test_a_broadcast_may_begin_later(door: Door, database: Database, clock: StoppedClock) -> None:
    await people(database, 2)
    late = await drafted(door, starts_at=(NOON + timedelta(days=1)).isoformat())
    await let_go(door, late)
    await expanding.once(database)
    assert await rows(database, "SELECT 1 FROM broadcast_recipient") == []
    clock.advance(timedelta(days=1))
    await expanding.once(database)
    assert len(await rows(database, "SELECT 1 FROM broadcast_recipient")) == 2


async def test_who_sees_that_something_goes_wrong_may_halt_it_and_an_auditor_only_looks(
    door: Door, database: Database
) -> None:
    path = await begun(door, database)
    assert (await door(AUDITOR).post(f"{path}/pause")).status_code == 403
    assert (await door(PANGKALPINANG).post(f"{path}/pause")).status_code == 200
    assert (await door(PANGKALPINANG).post(f"{path}/pause")).status_code == 409
