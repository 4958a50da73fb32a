"""Levels, alerts and the live feed as offices meet them."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from services.aid_distribution.alerts.sweep import sweep
from shared.contracts.aid_distribution import KitElsewhere, KitShortage, KitsRefused
from shared.database import Database
from tests.aid_distribution.story import ELSEWHERE, MARKET, MASKS, NOON, OFFICE, PROVINCE, RICE, SOAP, WAREHOUSE, ago
from tests.aid_distribution.test_api import Body, Door, issue, made, receipt, transfer
from tests.door import Client, told
from tests.following import blocks_of

NOWHERE = "00000000-0000-0000-0000-000000000007"


def level(low_at: int = 20, ok_at: int = 40, **changes: object) -> Body:
    return {"place": WAREHOUSE, "item": MASKS, "low_at": low_at, "ok_at": ok_at} | changes


async def swept(database: Database) -> None:
    await database.run(OFFICE, sweep)


async def listed(client: Client, path: str, **query: object) -> list[Body]:
    """Give the whole of a list, page by page."""
    found: list[Body] = []
    following: str | None = str(client.build_request("GET", path, params=query).url)  # type: ignore[arg-type]
    while following:
        answer = await client.get(following)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        following = answer.links.get("next", {}).get("url")
    return found


async def test_an_office_sets_the_levels_of_its_shelves_and_changes_them(door: Door) -> None:
    client = door["pangkalpinang"]
    answer = await client.post("/aid/levels", json=level(document="SK-7"))
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    done = answer.json()
    assert done == {
        "id": done["id"],
        "place": WAREHOUSE,
        "item": MASKS,
        "region": "19.71",
        "low_at": 20,
        "ok_at": 40,
        "expires_within_days": 30,
        "actor": "officer-19.71",
        "changed_at": "2026-05-20T12:00:00+07:00",
        "version": 1,
    }
    path = answer.headers["location"]
    assert (await client.get(path)).json() == done
    again = await client.post("/aid/levels", json=level(1, 2))
    assert (again.status_code, again.json()["code"], again.json()["level_id"]) == (409, "level_exists", done["id"])
    assert (await client.patch(path, json={"low_at": 5})).status_code == 428
    changed = await client.patch(path, json={"low_at": 5, "expires_within_days": None}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert changed.json() == done | {"low_at": 5, "expires_within_days": None, "version": 2}
    assert (await client.patch(path, json={"low_at": 6}, headers={"If-Match": '"1"'})).status_code == 412
    wrong = await client.patch(path, json={"ok_at": 5}, headers={"If-Match": '"2"'})
    assert (wrong.status_code, told(wrong)) == (422, {("/ok_at", "not_above_low_at")})
    assert (await client.get(path)).json() == changed.json()


async def test_all_that_is_wrong_with_a_level_is_told_at_once(door: Door) -> None:
    body = level(9, 9, place=ELSEWHERE, item="NONE", expires_within_days=0)
    answer = await door["pangkalpinang"].post("/aid/levels", json=body)
    assert (answer.status_code, told(answer)) == (
        422,
        {
            ("/place", "unknown_place"),
            ("/item", "unknown_item"),
            ("/ok_at", "not_above_low_at"),
            ("/expires_within_days", "too_small"),
        },
    )
    right_shape = await door["pangkalpinang"].post("/aid/levels", json=level(9, 9, place=ELSEWHERE))
    assert told(right_shape) == {("/place", "unknown_place"), ("/ok_at", "not_above_low_at")}


async def test_another_regions_level_is_as_absent_as_none(door: Door) -> None:
    there = await made(door["belitung"], "/aid/levels", level(place=ELSEWHERE))
    client = door["pangkalpinang"]
    for path in (f"/aid/levels/{there['id']}", f"/aid/levels/{NOWHERE}"):
        assert (await client.get(path)).status_code == 404
        assert (await client.patch(path, json={"low_at": 5}, headers={"If-Match": '"1"'})).status_code == 404
    assert (await door["auditor"].get(f"/aid/levels/{there['id']}")).status_code == 200
    assert (await door["auditor"].post("/aid/levels", json=level())).status_code == 403


async def test_levels_and_alerts_are_read_page_by_page_within_ones_regions(door: Door, database: Database) -> None:
    for place in (WAREHOUSE, ELSEWHERE, PROVINCE):
        for item in (MASKS, RICE, SOAP):
            await made(door["office"], "/aid/levels", level(place=place, item=item))
    await swept(database)
    await made(door["office"], "/aid/receipts", receipt(100, ago(1)))
    await swept(database)
    for path in ("/aid/levels", "/aid/alerts"):
        for name, seen in (("office", 9), ("auditor", 9), ("pangkalpinang", 3), ("belitung", 3)):
            whole = await listed(door[name], path)
            assert len({one["id"] for one in whole}) == len(whole) == seen
            assert await listed(door[name], path, limit=2) == whole
        assert {one["region"] for one in await listed(door["belitung"], path)} == {"19.02"}
        assert len(await listed(door["office"], path, place=WAREHOUSE, item=RICE)) == 1
    alerts: Mapping[str, Client] = door
    assert len(await listed(alerts["office"], "/aid/alerts", region="19.71")) == 3
    assert len(await listed(alerts["office"], "/aid/alerts", region="19")) == 9
    assert await listed(alerts["pangkalpinang"], "/aid/alerts", region="19.02") == []
    assert len(await listed(alerts["office"], "/aid/alerts", state="open", kind="out")) == 8
    (cleared,) = await listed(alerts["office"], "/aid/alerts", state="cleared")
    assert cleared == {
        "id": cleared["id"],
        "kind": "out",
        "state": "cleared",
        "subject": f"stock/{WAREHOUSE}/{MASKS}",
        "region": "19.71",
        "place": WAREHOUSE,
        "item": MASKS,
        "lot": None,
        "figure": 0,
        "threshold": 20,
        "due_on": None,
        "expiring": 0,
        "left_out": {"expired": 0, "held": 0},
        "raised_at": "2026-05-20T12:00:00+07:00",
        "cleared_at": "2026-05-20T12:00:00+07:00",
    }
    assert await listed(alerts["office"], "/aid/alerts", kind="price") == []


async def test_the_live_feed_tells_of_stock_elsewhere_only_what_one_may_see(door: Door, database: Database) -> None:
    answer = await door["office"].get("/aid/live", params={"wait_seconds": 0})
    begin = blocks_of(answer.text)[0].id
    elsewhere = [
        KitElsewhere(place=place, place_name=place, region=region, available=9)
        for place, region in ((ELSEWHERE, "19.02"), (MARKET, "19.71"), (PROVINCE, "19"))
    ]
    short = KitShortage(item=MASKS, item_name="Masker", unit="piece", asked=9, available=1, elsewhere=elsewhere)
    refused = KitsRefused(
        training_id=UUID(int=1),
        programme="TR-2020-03",
        title="Bimtek konveksi",
        region="19.71",
        starts_on=date(2026, 6, 1),
        place=WAREHOUSE,
        place_name="Gudang",
        place_region="19.71",
        because="short",
        shortages=[short],
    )
    async with database.work(OFFICE) as work:
        work.record(refused, region=refused.region)
    seen = {"office": [ELSEWHERE, MARKET, PROVINCE], "auditor": [ELSEWHERE, MARKET, PROVINCE]}
    seen |= {"pangkalpinang": [MARKET]}
    for name in ("pangkalpinang", "office", "auditor", "pangkalpinang"):
        told = await door[name].get("/aid/live", params={"after": begin, "wait_seconds": 0})
        (block,) = blocks_of(told.text)[1:]
        data: Any = block.data["data"]
        assert [one["place"] for one in data["shortages"][0]["elsewhere"]] == seen[name]
        assert (data["title"], data["shortages"][0]["available"]) == ("Bimtek konveksi", 1)


async def test_the_live_feed_tells_each_office_of_its_stock_and_of_what_is_sent_to_it(
    door: Door, database: Database
) -> None:
    async def heard(name: str, after: str) -> list[str]:
        answer = await door[name].get("/aid/live", params={"after": after, "wait_seconds": 0})
        assert answer.headers["content-type"] == "text/event-stream"
        return [block.event.removeprefix("serumpun.").removesuffix(".v1") for block in blocks_of(answer.text)[1:]]

    answer = await door["office"].get("/aid/live", params={"wait_seconds": 0})
    begin = blocks_of(answer.text)[0].id
    await made(door["office"], "/aid/levels", level())
    await made(door["office"], "/aid/receipts", receipt(50, ago(1)))
    await made(door["office"], "/aid/issues", issue(30))
    await swept(database)
    sent = transfer(5, NOON, from_place=WAREHOUSE, to_place=ELSEWHERE)
    await made(door["office"], "/aid/transfers", sent)
    theirs = ["stock.received", "stock.issued", "stock.low", "transfer.dispatched"]
    assert sorted(await heard("pangkalpinang", begin)) == sorted(theirs)
    assert await heard("belitung", begin) == ["transfer.dispatched"]
    for name in ("office", "auditor", "operator"):
        assert sorted(await heard(name, begin)) == sorted(theirs)
