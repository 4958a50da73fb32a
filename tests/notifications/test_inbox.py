"""Reading an inbox: what is unread, what is found, what is marked, and what is new, exactly once."""

import asyncio
import json
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from services.notifications.messages import inbox_store
from shared.database import Database
from tests.notifications.story import (
    HASAN,
    KITCHEN,
    NOON,
    OFFICE,
    OWNER,
    PANGKALPINANG,
    SITI,
    TAILOR,
    Door,
    StoppedClock,
    business,
    happened,
    messages,
    owner,
    posted,
    rows,
    staff,
)

HER = f"owner/{SITI}"
INBOX = "/notifications/inbox"


@pytest.fixture
async def told(database: Database, clock: StoppedClock) -> None:
    """Siti was welcomed with two businesses, and told of aid an hour later; Hasan too."""
    await happened(database, owner(), business(), business(KITCHEN, SITI, "Dapur Siti"), owner(HASAN, "Hasan"))
    clock.advance(timedelta(hours=1))
    await happened(database, posted(TAILOR))


async def titles(client: httpx.AsyncClient, **asked: object) -> list[str]:
    answer = await client.get(INBOX, params=asked)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    return [item["purpose"] for item in answer.json()["items"]]


async def test_what_is_unread_is_counted_by_class_and_one_by_one_it_becomes_less(told: None, door: Door) -> None:
    client = door(OWNER)
    counted = (await client.get(f"{INBOX}/unread")).json()
    assert counted == {"total": 3, "required": 1, "invitation": 0, "information": 2}
    newest = (await client.get(INBOX)).json()["items"][0]
    await client.post(f"{INBOX}/{newest['id']}/read")
    assert (await client.get(f"{INBOX}/unread")).json()["required"] == 0
    assert (await door(PANGKALPINANG).get(f"{INBOX}/unread")).json()["total"] == 0


async def test_all_up_to_a_moment_are_marked_and_later_ones_are_not(told: None, door: Door, database: Database) -> None:
    client = door(OWNER)
    answer = await client.post(f"{INBOX}/read", json={"until": NOON.isoformat()})
    assert answer.json() == {
        "marked": 2, "unread": {"total": 1, "required": 1, "invitation": 0, "information": 0}
    }  # fmt: skip
    assert (await client.post(f"{INBOX}/read", json={"until": NOON.isoformat()})).json()["marked"] == 0
    assert await titles(client, unread=True) == ["aid"]
    assert await titles(client, unread=False) == ["welcome", "welcome"]
    assert (await client.post(f"{INBOX}/read", json={"until": "2020-09-21T12:00:00"})).status_code == 422


async def test_messages_are_found_by_their_words_class_and_purpose_and_only_ones_own(
    database: Database, told: None, door: Door
) -> None:
    client = door(OWNER)
    assert await titles(client, q="MASKER kain") == ["aid"]
    assert await titles(client, q="dapur") == ["welcome"]
    assert await titles(client, q="100%") == []
    assert await titles(client, q="terdaftar", limit=1) == ["welcome"]
    assert await titles(client, urgency="information") == ["welcome", "welcome"]
    assert await titles(client, purpose="aid", urgency="information") == []
    assert (await client.get(INBOX, params={"q": "x"})).status_code == 422
    await staff(database, ("officer-19.71", "regency_officer", "19.71"))
    assert await titles(door(PANGKALPINANG), q="masker") == []


async def followed(
    client: httpx.AsyncClient, last: str | None = None, wait_seconds: int = 0
) -> list[dict[str, object]]:
    headers = {"Last-Event-ID": last} if last else {}
    answer = await client.get(f"{INBOX}/live", params={"wait_seconds": wait_seconds}, headers=headers)
    assert answer.status_code == 200, answer.text
    blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in answer.text.strip().split("\n\n")]
    return [{"id": block["id"], **json.loads(block["data"])} for block in blocks if "data" in block]


async def test_who_comes_back_with_the_last_id_is_told_exactly_what_changed_meanwhile(
    database: Database, told: None, door: Door
) -> None:
    client = door(OWNER)
    (first,) = await followed(client)
    assert (first["items"], first["reset"]) == ([], True)
    assert first["unread"] == {"total": 3, "required": 1, "invitation": 0, "information": 2}
    assert await followed(client, str(first["id"])) == []
    await happened(database, business(HASAN, SITI, "Warung"), business(TAILOR, HASAN, "Lain"))
    (news,) = await followed(client, str(first["id"]))
    assert [item["purpose"] for item in news["items"]] == ["welcome"]  # type: ignore[attr-defined]
    assert news["reset"] is False
    assert await followed(client, str(news["id"])) == []
    newest = (await client.get(INBOX)).json()["items"][0]
    await client.post(f"{INBOX}/{newest['id']}/read")
    (read,) = await followed(client, str(news["id"]))
    assert [item["id"] for item in read["items"]] == [newest["id"]]  # type: ignore[attr-defined]


async def test_a_message_is_told_while_somebody_follows(database: Database, told: None, door: Door) -> None:
    following = asyncio.create_task(followed(door(OWNER), "3", wait_seconds=2))
    await happened(database, business(HASAN, SITI, "Warung"))
    found = await following
    assert [item["body"].split()[0] for block in found for item in block["items"]][-1] == "Warung"  # type: ignore[attr-defined]


async def test_a_position_that_the_store_never_gave_is_taken_for_a_new_beginning(told: None, door: Door) -> None:
    (block,) = await followed(door(OWNER), str(10**14))
    assert block["reset"] is True


@pytest.mark.parametrize("wrong", ["", "abc", "-1", "1" * 16])
async def test_what_was_never_an_id_is_refused(door: Door, wrong: str) -> None:
    answer = await door(OWNER).get(f"{INBOX}/live", params={"wait_seconds": 0}, headers={"Last-Event-ID": wrong})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "bad_position")


async def test_what_commits_late_is_not_passed_over(database: Database, told: None) -> None:
    async with database.reading(OFFICE) as work:
        start = (await inbox_store.changed(work.session, HER, None)).position
    async with database.work(OFFICE) as slow:
        await slow.session.execute(
            text("UPDATE message SET changed_xid = pg_current_xact_id()::text::bigint WHERE purpose = 'aid'")
        )
        await happened(database, business(HASAN, SITI, "Warung"))
        async with database.reading(OFFICE) as work:
            early = await inbox_store.changed(work.session, HER, start)
        assert early.rows == [], "it began later than one that is not over"
    async with database.reading(OFFICE) as work:
        both = await inbox_store.changed(work.session, HER, early.position)
    assert {row.purpose for row in both.rows} == {"aid", "welcome"}


async def test_what_was_written_together_is_told_together(database: Database, told: None) -> None:
    async with database.work(OFFICE) as work:
        await work.session.execute(
            text(
                "INSERT INTO message (id, person, fact, purpose, urgency, region, language, title, body, why,"
                " traceparent, created_at) SELECT gen_random_uuid(), :her, 'x/' || n, 'aid', 'required', '19.71', 'id',"
                " 't', 'b', 'w', '', now() FROM generate_series(1, :many) AS n"
            ),
            {"her": HER, "many": inbox_store.CHANGES_MAX + 20},
        )
    async with database.reading(OFFICE) as work:
        found = await inbox_store.changed(work.session, HER, 3)
        assert len(found.rows) >= inbox_store.CHANGES_MAX + 20 - 3
        assert (await inbox_store.changed(work.session, HER, found.position)).rows == []


async def test_counting_and_following_use_the_indexes(database: Database, told: None) -> None:
    await rows(database, "SELECT 1")
    plans = ""
    async with database.work(OFFICE) as work:
        await work.session.execute(text("SET LOCAL enable_seqscan = off"))
        for question, more in (
            (inbox_store.UNREAD, {}),
            (inbox_store.CHANGED, {"after": 3, "horizon": 9000, "rows": 10}),
        ):
            found = await work.session.execute(text(f"EXPLAIN {question.text}"), {"person": HER, **more})
            plans += "\n".join(found.scalars())
    assert "message_unread" in plans
    assert "message_changed" in plans
    assert (HER, "aid") in await messages(database)
