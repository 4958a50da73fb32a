"""What the ledger lists: transfers under way, counts, and the reasons that may be given."""

from collections.abc import Mapping

from shared.database import Database
from tests.aid_distribution.story import (
    ELSEWHERE,
    MASKS,
    NOON,
    OFFICE,
    PROVINCE,
    WAREHOUSE,
    ago,
    audited,
    plant,
    receipt,
    receive,
)
from tests.aid_distribution.test_exceptions import made
from tests.aid_distribution.test_transfer_voids import void
from tests.aid_distribution.test_transfers import arrive, arriving, dispatch, sending
from tests.door import Client

Door = Mapping[str, Client]


async def numbers(client: Client, path: str) -> list[str]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return [one["number"] for one in answer.json()["items"]]


async def test_the_receiver_sees_what_is_under_way_page_by_page_and_nobody_else_does(
    database: Database, door: Door
) -> None:
    await receive(database, receipt(100, ago(3), place=PROVINCE))
    there = await dispatch(database, sending(1))
    coming = await dispatch(database, sending(2))
    undone = await dispatch(database, sending(3))
    other = await dispatch(database, sending(4, to_place=ELSEWHERE))
    await arrive(database, there.id, arriving(1))
    await void(database, undone.id)
    client = door["pangkalpinang"]
    assert await numbers(client, "/aid/transfers") == [undone.number, coming.number, there.number]
    assert await numbers(client, "/aid/transfers?state=in_transit&direction=coming&region=19.71") == [coming.number]
    assert await numbers(client, "/aid/transfers?direction=going") == []
    assert await numbers(door["office"], "/aid/transfers?direction=going&region=19&state=in_transit") == [
        other.number,
        coming.number,
    ]
    assert await numbers(client, "/aid/transfers?region=19.02") == []
    first = (await client.get("/aid/transfers?limit=2")).json()
    assert [line["dispatched"] for line in first["items"][1]["lines"]] == [2]
    assert await numbers(client, f"/aid/transfers?limit=2&cursor={first['next']}") == [there.number]
    assert (await client.get("/aid/transfers?state=lost")).status_code == 422


async def test_counts_are_listed_with_how_much_of_them_differed(database: Database, door: Door) -> None:
    await receive(database, receipt(10, ago(3)))
    client = door["pangkalpinang"]
    lines = [{"item": MASKS, "quantity": 8, "reason": "damaged"}]
    order = {"place": WAREHOUSE, "occurred_at": NOON.isoformat(), "lines": lines}
    counted = await made(client, "/aid/counts", order)
    (one,) = (await client.get(f"/aid/counts?place={WAREHOUSE}")).json()["items"]
    assert (one["id"], one["number"], one["counted"], one["differing"]) == (counted["id"], counted["number"], 1, 1)
    assert one["occurred_at"] == "2026-05-20T12:00:00+07:00"
    assert await numbers(client, "/aid/counts?region=19.02") == []
    await made(client, f"/aid/postings/{counted['id']}/reversal", {"reason": "typed twice"})
    assert (await client.get("/aid/counts")).json()["items"][0]["reversed_by"] is not None


async def test_every_reason_has_words_a_direction_and_the_documents_that_may_give_it(
    database: Database,
    door: Door,
) -> None:
    found = {one["code"]: one for one in (await door["pangkalpinang"].get("/aid/reasons")).json()["items"]}
    assert found["damaged"] == {
        "code": "damaged",
        "indonesian": "rusak",
        "english": "damaged",
        "direction": "out",
        "kinds": ["issue", "count", "transfer_receipt"],
        "loss": True,
    }
    assert {code: one["direction"] for code, one in found.items()} == {
        "damaged": "out",
        "lost": "out",
        "expired": "out",
        "found": "in",
        "recount": "both",
        "other": "both",
    }
    assert "issue" not in found["found"]["kinds"]


async def test_the_audit_finds_transfers_that_were_changed_behind_their_back(database: Database) -> None:
    await receive(database, receipt(100, ago(3), place=PROVINCE))
    there = await dispatch(database, sending(5))
    await arrive(database, there.id, arriving(5))
    await dispatch(database, sending(7))
    undone = await dispatch(database, sending(3))
    await void(database, undone.id)
    assert await audited(database) == []
    planted = {
        "UPDATE transfer_line SET dispatched = 8 WHERE dispatched = 7": {
            "in_transit_is_sum_of_transfers",
            "transfer_lines_are_its_posting",
        },
        "UPDATE transfer_line SET accepted = 4, rejected = 1, reason = 'lost' WHERE dispatched = 5": {
            "received_lines_are_their_posting"
        },
        "UPDATE transfer SET void_posting_id = receipt_posting_id, void_reason = 'x' WHERE state = 'received'": {
            "transfer_is_voided_by_its_reversal"
        },
    }
    for lie, checks in planted.items():
        before = {one.check for one in await audited(database)}
        async with database.work(OFFICE) as work:
            if "void" in lie:
                await plant(work, "ALTER TABLE transfer DROP CONSTRAINT transfer_voided_by_posting")
            await plant(work, lie)
        assert {one.check for one in await audited(database)} - before == checks
