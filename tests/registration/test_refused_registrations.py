"""A registration that is refused since its NIK or NIB is known leaves one case of the known owner for a clerk."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.contracts.registration import OwnerRegistered
from shared.database import Database
from tests.door import Client, Recorded
from tests.registration.people import NIK, OFFICE, registration
from tests.shared.backbone import scalars

Door = Mapping[str, Client]
BUSINESSES = "/registration/businesses"
CASES = "/registration/refused-registrations"


async def known(door: Door) -> dict[str, Any]:
    answer = await door["pangkalpinang"].post(BUSINESSES, json=registration())
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def by_nik(name: str = "Wahyu") -> dict[str, Any]:
    return registration(name=f"Usaha {name}", nib=None, owner={"name": name, "nik": NIK})


def by_nib(name: str = "Wahyu") -> dict[str, Any]:
    return registration(name=f"Usaha {name}", region="19.02", owner={"name": name})


async def refused(door: Door, body: dict[str, Any], who: str = "office") -> str:
    answer = await door[who].post(BUSINESSES, json=body)
    assert answer.status_code == 409, answer.text
    return str(answer.json()["code"])


async def cases(door: Door, who: str = "pangkalpinang", **asked: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await door[who].get(CASES, params=asked)).json()["items"]
    return items


async def test_three_persons_of_one_number_are_one_registered_and_one_case_however_often_it_is_tried(
    door: Door, recorded: Recorded
) -> None:
    owner = (await known(door))["owner"]
    before = len(await recorded())
    for _ in range(2):
        for name in ("Wahyu", "Budi"):
            assert await refused(door, by_nik(name)) == "nik_belongs_to_another"
    (case,) = await cases(door)
    assert (case["owner_id"], case["nik_tries"], case["nib_tries"], case["state"]) == (owner["id"], 4, 0, "open")
    assert await refused(door, by_nib(), "belitung") == "nib_taken"
    (case,) = await cases(door)
    assert (case["nik_tries"], case["nib_tries"], case["last_region"]) == (4, 1, "19.02")
    assert len(await recorded()) == before, "nobody is registered by a refusal"


async def test_a_refusal_by_nib_leaves_no_owner_behind(door: Door, recorded: Recorded, database: Database) -> None:
    await known(door)
    await refused(door, by_nib("Seseorang"))
    assert await scalars(database, "SELECT count(*) FROM owner WHERE name = 'Seseorang'") == [0]
    assert len([one for one in await recorded() if isinstance(one, OwnerRegistered)]) == 1


async def test_who_is_refused_learns_nothing_of_whose_it_is_and_nothing_is_kept_of_what_they_told(
    door: Door, database: Database
) -> None:
    business = await known(door)
    answer = await door["belitung"].post(BUSINESSES, json=by_nik() | {"region": "19.02"})
    assert business["owner"]["id"] not in answer.text
    assert business["owner"]["name"] not in answer.text
    assert await cases(door, "belitung") == []
    kept = str(await scalars(database, "SELECT to_jsonb(r)::text FROM refused_registration r"))
    assert "Wahyu" not in kept
    assert NIK not in kept


async def test_those_who_are_refused_at_once_leave_one_case_that_counts_them_all(door: Door) -> None:
    await known(door)
    codes = await asyncio.gather(*(refused(door, by_nik(f"Wahyu {number}")) for number in range(5)))
    assert set(codes) == {"nik_belongs_to_another"}
    assert [case["nik_tries"] for case in await cases(door)] == [5]


async def test_a_case_is_closed_once_for_a_reason_and_the_next_refusal_opens_another(door: Door) -> None:
    await known(door)
    await refused(door, by_nik())
    (case,) = await cases(door)
    path = f"{CASES}/{case['id']}/closing"
    assert (await door["belitung"].post(path, json={"reason": "x"})).status_code == 404
    assert (await door["auditor"].post(path, json={"reason": "x"})).status_code == 403
    closed = await door["pangkalpinang"].post(path, json={"reason": "Salah baca KTP"})
    assert (closed.status_code, closed.json()["state"], closed.json()["reason"]) == (201, "closed", "Salah baca KTP")
    again = await door["pangkalpinang"].post(path, json={"reason": "Lagi"})
    assert (again.status_code, again.json()["code"]) == (409, "refused_registration_closed")
    await refused(door, by_nik())
    assert [one["nik_tries"] for one in await cases(door, state="open")] == [1]
    assert await cases(door, state="closed") == [closed.json()]
    first = (await door["auditor"].get(CASES, params={"limit": 1})).json()
    last = (await door["auditor"].get(CASES, params={"limit": 1, "cursor": first["next"]})).json()
    assert [one["state"] for one in (*first["items"], *last["items"])] == ["open", "closed"]
    assert last["next"] is None


async def test_a_refused_registration_may_be_sent_again_by_its_key_and_counts_each_time(door: Door) -> None:
    await known(door)
    headers = {"Idempotency-Key": "the-same"}
    for _ in range(2):
        answer = await door["office"].post(BUSINESSES, json=by_nik(), headers=headers)
        assert answer.status_code == 409
    assert [case["nik_tries"] for case in await cases(door)] == [2]


GUARDED = (
    "UPDATE refused_registration SET nik_tries = 0",
    "UPDATE refused_registration SET last_at = opened_at - interval '1 second'",
    "UPDATE refused_registration SET closed_at = now()",
    (
        "INSERT INTO refused_registration"
        " (id, owner_id, nik_tries, nib_tries, opened_at, last_at, last_by, last_region)"
        " SELECT gen_random_uuid(), owner_id, 1, 0, opened_at, last_at, 'x', '19' FROM refused_registration"
    ),
)


@pytest.mark.parametrize("order", GUARDED)
async def test_the_database_is_the_last_guard(door: Door, database: Database, order: str) -> None:
    await known(door)
    await refused(door, by_nik())
    with pytest.raises(IntegrityError):
        async with database.work(OFFICE) as work:
            await work.session.execute(text(order))
