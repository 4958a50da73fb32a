"""Households are named by coupons: signed, used once, and their entitlement is stock that never runs over."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.aid_distribution.coupons import signing
from services.aid_distribution.coupons.handlers import PURPOSE
from services.aid_distribution.markets import coupons as market_coupons
from shared.contracts.aid_distribution import DistributionPosted
from shared.database import Database
from tests.aid_distribution.story import (
    ELSEWHERE,
    MASKS,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    audited,
    plant,
    receipt,
    receive,
)
from tests.aid_distribution.story import OFFICE as STAFF
from tests.aid_distribution.test_batches import sent, states
from tests.aid_distribution.test_exceptions import made
from tests.door import Client, Recorded, told

Door = Mapping[str, Client]
Json = dict[str, Any]
ON_HAND = "SELECT on_hand FROM card WHERE item LIKE 'COUPON-%'"


def household(number: int) -> str:
    return f"keluarga-{number:012d}"


async def opened(client: Client, most: int = 5, **changes: object) -> Json:
    order = {"programme": "free-masks", "place": WAREHOUSE, "coupons_max": most}
    return await made(client, "/aid/coupon-rounds", order | changes)


async def tokens(client: Client, round_: Json, *numbers: int) -> list[str]:
    order = {"households": [household(number) for number in numbers]}
    issued = await made(client, f"/aid/coupon-rounds/{round_['id']}/coupons", order)
    return [one["token"] for one in issued["coupons"]]


def handed_out(clock: StoppedClock, coupons: list[str], quantity: int = 1, **changes: object) -> Json:
    order = {
        "programme": "free-masks",
        "place": WAREHOUSE,
        "occurred_at": clock.now().isoformat(),
        "lines": [{"item": MASKS, "quantity": quantity}],
        "recipients": {"public": 10},
        "coupons": coupons,
    }
    return order | changes


@pytest.fixture
async def stocked(database: Database) -> Database:
    await receive(database, receipt(100, ago(1)))
    return database


async def test_a_coupon_is_given_used_once_and_its_entitlement_is_gone(
    stocked: Database, door: Door, clock: StoppedClock, recorded: Recorded
) -> None:
    officer = door["pangkalpinang"]
    round_ = await opened(officer)
    assert round_["number"] == "2026-05-19.71-KR-0001"
    first, second, third = await tokens(officer, round_, 1, 2, 3)
    assert await ask(stocked, ON_HAND) == [(3,)]
    clock.advance(timedelta(minutes=1))
    done = await made(officer, "/aid/distributions", handed_out(clock, [first, second], 20))
    assert (done["households"], done["recipients"]["public"]) == (2, 10)
    assert [line["item"] for line in done["lines"]] == [MASKS], "a coupon is no goods"
    assert await ask(stocked, ON_HAND) == [(1,)]
    again = await officer.post("/aid/distributions", json=handed_out(clock, [third, first]))
    assert (again.status_code, again.json()["code"], again.json()["coupon"]) == (409, "coupon_used", 1)
    assert again.json()["distribution_id"] == done["id"]
    assert await ask(stocked, "SELECT on_hand FROM card WHERE item = 'MASK-CLOTH'") == [(80,)]
    shown = (await officer.get(f"/aid/coupon-rounds/{round_['id']}")).json()
    assert (shown["issued"], shown["used"], shown["coupons_max"]) == (3, 2, 5)
    (event,) = [event for event in await recorded() if isinstance(event, DistributionPosted)]
    assert (event.public_heads, [line.item for line in event.lines]) == (10, [MASKS])
    assert (await officer.get(f"/aid/distributions/{done['id']}")).json()["households"] == 2
    assert await audited(stocked) == []


async def test_of_two_that_come_with_the_same_coupon_at_once_one_is_served(
    stocked: Database, door: Door, clock: StoppedClock
) -> None:
    officer, office = door["pangkalpinang"], door["office"]
    (token,) = await tokens(officer, await opened(officer), 1)
    clock.advance(timedelta(minutes=1))
    answers = await asyncio.gather(
        *(client.post("/aid/distributions", json=handed_out(clock, [token])) for client in (officer, office) * 4)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"coupon_used"}
    assert await ask(stocked, ON_HAND) == [(0,)]
    assert await ask(stocked, "SELECT count(*) FROM distribution") == [(1,)]
    assert await audited(stocked) == []


async def test_all_that_is_wrong_with_coupons_is_told_at_once_and_changes_nothing(
    stocked: Database, door: Door, clock: StoppedClock
) -> None:
    officer = door["pangkalpinang"]
    round_ = await opened(officer)
    other = await opened(officer, programme="handwashing")
    (token,), (elsewhere,) = await tokens(officer, round_, 1), await tokens(officer, other, 1)
    forged = signing.write(signing.Signed(uuid4(), uuid4(), 1, 1, None), Ed25519PrivateKey.generate())
    async with stocked.reading(STAFF) as work:
        words = signing.read(token, work.vault.signer(PURPOSE).public_key())
        assert words is not None
        of_market = signing.write(words, work.vault.signer(market_coupons.PURPOSE))
        swapped = signing.write(signing.Signed(uuid4(), words.coupon_id, 1, 1, None), work.vault.signer(PURPOSE))
    wrong = [token, token, elsewhere, forged, of_market, "thin air", swapped]
    answer = await officer.post("/aid/distributions", json=handed_out(clock, wrong, recipients={"public": 6}))
    assert (answer.status_code, told(answer)) == (
        422,
        {
            ("/coupons/1", "duplicate"),
            ("/coupons/2", "other_round"),
            ("/coupons/3", "unknown_coupon"),
            ("/coupons/4", "unknown_coupon"),
            ("/coupons/5", "unknown_coupon"),
            ("/coupons/6", "unknown_coupon"),
            ("/recipients/public", "fewer_than_coupons"),
        },
    )
    early = handed_out(clock, [token], occurred_at=ago(0.5).isoformat())
    assert told(await officer.post("/aid/distributions", json=early)) == {("/coupons/0", "before_coupon")}
    assert await ask(stocked, "SELECT count(*) FROM household_coupon WHERE used_at IS NOT NULL") == [(0,)]


async def test_a_refused_hand_out_uses_no_coupon_and_a_voided_one_gives_it_back(
    stocked: Database, door: Door, clock: StoppedClock
) -> None:
    officer = door["pangkalpinang"]
    (token,) = await tokens(officer, await opened(officer), 1)
    clock.advance(timedelta(minutes=1))
    short = await officer.post("/aid/distributions", json=handed_out(clock, [token], 1_000))
    assert (short.status_code, short.json()["code"]) == (409, "short_of_stock")
    assert await ask(stocked, ON_HAND) == [(1,)]
    done = await made(officer, "/aid/distributions", handed_out(clock, [token]))
    voided = await officer.post(f"/aid/distributions/{done['id']}/void", json={"reason": "wrong place"})
    assert voided.is_success, voided.text
    assert await ask(stocked, ON_HAND) == [(1,)]
    again = await made(officer, "/aid/distributions", handed_out(clock, [token]))
    assert again["households"] == 1
    assert await audited(stocked) == []


async def test_a_round_gives_no_more_than_it_has_and_one_to_each_household(stocked: Database, door: Door) -> None:
    officer = door["pangkalpinang"]
    round_ = await opened(officer, 2)
    path = f"/aid/coupon-rounds/{round_['id']}/coupons"
    twice = await officer.post(path, json={"households": [household(1), household(1)]})
    assert (twice.status_code, told(twice)) == (422, {("/households/1", "duplicate")})
    card = await officer.post(path, json={"households": [household(1), "1971-0123-0405-0678"]})
    assert (card.status_code, told(card)) == (422, {("/households/1", "person_number")})
    await tokens(officer, round_, 1)
    there = await officer.post(path, json={"households": [household(2), household(1)]})
    assert (there.status_code, there.json()["code"], there.json()["households"]) == (409, "household_has_coupon", [1])
    many = await officer.post(path, json={"households": [household(2), household(3)]})
    assert (many.status_code, many.json()["code"], many.json()["left"]) == (409, "coupons_exhausted", 1)
    assert await ask(stocked, ON_HAND) == [(1,)]
    assert (await door["belitung"].post(path, json={"households": [household(9)]})).status_code == 404
    unknown = {"programme": "free-masks", "place": ELSEWHERE, "coupons_max": 1}
    answer = await officer.post("/aid/coupon-rounds", json=unknown)
    assert (answer.status_code, told(answer)) == (422, {("/place", "unknown_place")})
    listed = (await door["office"].get("/aid/coupon-rounds", params={"state": "open"})).json()["items"]
    assert [one["id"] for one in listed] == [round_["id"]]
    assert (await door["belitung"].get("/aid/coupon-rounds")).json()["items"] == []


async def test_a_closed_round_entitles_to_nothing_and_what_was_used_stays_used(
    stocked: Database, door: Door, clock: StoppedClock
) -> None:
    officer = door["pangkalpinang"]
    round_ = await opened(officer)
    used, left = await tokens(officer, round_, 1, 2)
    clock.advance(timedelta(minutes=1))
    done = await made(officer, "/aid/distributions", handed_out(clock, [used]))
    closed = await officer.post(f"/aid/coupon-rounds/{round_['id']}/closing", json={})
    assert (closed.is_success, closed.json()["state"], closed.json()["used"]) == (True, "closed", 1)
    assert await ask(stocked, ON_HAND) == [(0,)]
    late = await officer.post("/aid/distributions", json=handed_out(clock, [left]))
    assert (late.status_code, late.json()["code"]) == (409, "coupon_round_closed")
    again = await officer.post(f"/aid/coupon-rounds/{round_['id']}/closing", json={})
    assert (again.status_code, again.json()["code"]) == (409, "coupon_round_closed")
    assert (await officer.post(f"/aid/distributions/{done['id']}/void", json={"reason": "x"})).is_success
    assert await ask(stocked, ON_HAND) == [(0,)]
    assert await audited(stocked) == []


async def test_the_coupon_of_a_hand_out_offline_that_was_used_meanwhile_waits_for_a_reason(
    stocked: Database, door: Door, clock: StoppedClock
) -> None:
    officer = door["pangkalpinang"]
    (token,) = await tokens(officer, await opened(officer), 1)
    clock.advance(timedelta(minutes=1))
    await made(officer, "/aid/distributions", handed_out(clock, [token], 5))
    offline = handed_out(clock, [token], 7) | {"id": str(uuid4())}
    batch = await sent(stocked, offline, sent_at=clock.now())
    assert states(batch) == ["parked"]
    (parked,) = (await officer.get("/aid/exceptions")).json()["items"]
    assert parked["last_refusal"] == "coupon_used"
    assert "coupons" not in parked["order"], "who has a coupon may use it"
    path = f"/aid/exceptions/{parked['id']}/application"
    assert (await officer.post(path, json={})).json()["code"] == "coupon_used"
    applied = await officer.post(path, json={"breach_accepted": "Both telephones were offline"})
    assert applied.is_success, applied.text
    assert applied.json()["breach"]["code"] == "coupon_used"
    assert await ask(stocked, "SELECT sum(households)::int, count(*) FROM distribution") == [(1, 2)]
    assert await ask(stocked, ON_HAND) == [(0,)]
    assert await audited(stocked) == []


async def test_a_coupon_is_checked_without_a_network_and_names_no_household(stocked: Database, door: Door) -> None:
    officer = door["pangkalpinang"]
    round_ = await opened(officer)
    (token,) = await tokens(officer, round_, 1)
    key = (await officer.get("/aid/household-coupon-key")).json()
    async with stocked.reading(STAFF) as work:
        assert key["x"] == signing.public_letters(work.vault.signer(PURPOSE))
        words = signing.read(token, work.vault.signer(PURPOSE).public_key())
    assert words is not None
    assert (str(words.market_id), words.serial) == (round_["id"], 1)
    paper = await officer.get(f"/aid/coupon-rounds/{round_['id']}/coupons/{words.coupon_id}")
    assert (paper.json()["token"], paper.json()["distribution_id"]) == (token, None)
    assert household(1) not in paper.text
    assert (
        await door["auditor"].get(f"/aid/coupon-rounds/{round_['id']}/coupons/{words.coupon_id}")
    ).status_code == 403


@pytest.mark.parametrize(
    ("order", "check"),
    [
        ("UPDATE household_coupon SET distribution_id = NULL, used_at = NULL", "households_are_used_coupons"),
        ("UPDATE coupon_round SET issued = issued - 1", "given_coupons_are_counted"),
        ("UPDATE card SET on_hand = on_hand + 1 WHERE item LIKE 'COUPON-%'", "entitlement_is_unused_coupons"),
    ],
)
async def test_the_audit_finds_what_was_changed_by_hand(
    stocked: Database, door: Door, clock: StoppedClock, order: str, check: str
) -> None:
    officer = door["pangkalpinang"]
    (token,) = await tokens(officer, await opened(officer), 1)
    clock.advance(timedelta(minutes=1))
    await made(officer, "/aid/distributions", handed_out(clock, [token]))
    assert await audited(stocked) == []
    async with stocked.work(STAFF) as work:
        await plant(work, order)
    assert check in {one.check for one in await audited(stocked)}
