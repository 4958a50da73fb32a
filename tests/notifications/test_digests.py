"""Whoever chose it is told of all information once a day, each piece in one digest and no piece in none."""

import asyncio
import sys
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.notifications.digesting import look
from services.notifications.messages.digests import PURPOSE, TEXTS, TITLES_LENGTH_MAX
from services.notifications.messages.domain import BODY_LENGTH_MAX, TITLE_LENGTH_MAX, WHY_LENGTH_MAX
from shared.database import Database, Work
from tests.notifications.story import (
    KITCHEN,
    OFFICE,
    OWNER,
    SITI,
    TAILOR,
    Door,
    StoppedClock,
    business,
    happened,
    owner,
    posted,
    rows,
)
from tests.processes import ROOT, inherited
from tests.waiting import wait_until

LONE_DIGESTER = ROOT / "tests" / "notifications" / "lone_digester.py"
HER = f"owner/{SITI}"
TO_MORNING = timedelta(hours=19)


async def digests(database: Database) -> list[dict[str, object]]:
    return await rows(database, "SELECT * FROM message WHERE purpose = 'digest' ORDER BY created_at")


@pytest.fixture
async def chosen(database: Database, door: Door) -> None:
    """Siti chose one message a day, and was told of two businesses and of aid."""
    await happened(database, owner())
    await door(OWNER).patch("/notifications/preferences", json={"digest": True}, headers={"If-Match": '"1"'})
    await happened(database, business(), business(KITCHEN, SITI, "Dapur Siti"), posted(TAILOR))


async def test_the_news_of_a_day_is_one_message_in_the_morning_that_goes_by_mail(
    database: Database, clock: StoppedClock, chosen: None
) -> None:
    sent = "SELECT purpose FROM delivery JOIN message ON message.id = message_id ORDER BY purpose"
    assert await rows(database, sent) == [{"purpose": "aid"}], "aid does not wait"
    assert not await database.run(OFFICE, look)
    clock.advance(TO_MORNING)
    while await database.run(OFFICE, look):
        pass
    (digest,) = await digests(database)
    assert (digest["fact"], digest["person"], digest["urgency"]) == ("digest/2020-09-22", HER, "information")
    assert digest["title"] == "Ringkasan hari ini: 2 kabar"
    assert str(digest["body"]).startswith("2 kabar baru: Usaha Anda sudah terdaftar, Usaha Anda sudah terdaftar.")
    assert await rows(database, sent) == [{"purpose": "aid"}, {"purpose": PURPOSE}]
    assert await rows(database, "SELECT 1 FROM message WHERE awaits_digest") == []


async def test_it_is_written_once_however_many_look_at_once_and_a_crash_leaves_all_of_it_for_the_next(
    database: Database, clock: StoppedClock, chosen: None
) -> None:
    clock.advance(TO_MORNING)
    with pytest.raises(ZeroDivisionError):
        await database.run(OFFICE, _dies)
    assert await digests(database) == []
    await asyncio.gather(*(database.run(OFFICE, look) for _ in range(4)))
    assert len(await digests(database)) == 1
    assert len(await rows(database, "SELECT 1 FROM delivery")) == 2


async def _dies(work: Work) -> None:
    assert await look(work)
    raise ZeroDivisionError


WAITS = "SELECT 1 FROM pg_locks WHERE relation = 'delivery'::regclass AND NOT granted"


async def test_a_digester_that_is_killed_half_way_has_written_nothing_and_the_next_writes_it_once(
    database: Database, clock: StoppedClock, chosen: None
) -> None:
    clock.advance(TO_MORNING)
    arguments = [str(LONE_DIGESTER), database.url, clock.now().isoformat()]
    async with database.work(OFFICE) as work:
        await work.session.execute(text("LOCK TABLE delivery IN EXCLUSIVE MODE"))  # its message is written before
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=inherited(PYTHONPATH=str(ROOT)), stdout=asyncio.subprocess.DEVNULL
        )
        try:
            await wait_until(lambda: waits(database), 30, "the digester to come to the letter")
        finally:
            process.kill()
            await process.wait()
    assert await digests(database) == []
    assert await rows(database, "SELECT count(*) AS pieces FROM message WHERE awaits_digest") == [{"pieces": 2}]
    await asyncio.gather(*(database.run(OFFICE, look) for _ in range(2)))
    assert len(await digests(database)) == 1
    assert await rows(database, "SELECT 1 FROM message WHERE awaits_digest") == []


async def waits(database: Database) -> bool:
    return bool(await rows(database, WAITS))


async def test_what_comes_after_the_digest_of_the_day_is_in_the_next_one(
    database: Database, clock: StoppedClock, chosen: None
) -> None:
    clock.advance(TO_MORNING)
    await database.run(OFFICE, look)
    await happened(database, business(SITI, SITI, "Warung Siti"))
    assert not await database.run(OFFICE, look)
    clock.advance(timedelta(days=1))
    assert await database.run(OFFICE, look)
    assert [row["title"] for row in await digests(database)] == [
        "Ringkasan hari ini: 2 kabar",
        "Ringkasan hari ini: 1 kabar",
    ]


async def test_whoever_has_read_all_of_it_gets_no_digest(
    database: Database, clock: StoppedClock, door: Door, chosen: None
) -> None:
    for item in (await door(OWNER).get("/notifications/inbox")).json()["items"]:
        await door(OWNER).post(f"/notifications/inbox/{item['id']}/read")
    clock.advance(TO_MORNING)
    assert await database.run(OFFICE, look)
    assert not await database.run(OFFICE, look)
    assert await digests(database) == []


def test_the_words_fit_at_their_longest() -> None:
    widest = {"count": "100.000", "titles": "W" * TITLES_LENGTH_MAX}
    for words in TEXTS.values():
        assert len(words.title.format_map(widest)) <= TITLE_LENGTH_MAX
        assert len(words.body.format_map(widest)) <= BODY_LENGTH_MAX
        assert len(words.why) <= WHY_LENGTH_MAX
