"""What is asked about hand-outs afterwards: evidence, who did not receive, and whom to call."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.aid_distribution.distributions.sampling import in_proportion, sample_size
from shared.contracts.aid_distribution import DistributionVoided
from shared.contracts.registration import BusinessClosed
from shared.database import Database
from tests.aid_distribution.story import (
    ELSEWHERE,
    MASKS,
    NOON,
    OFFICE,
    WAREHOUSE,
    ago,
    ask,
    distribute,
    distribution,
    receipt,
    receive,
)
from tests.aid_distribution.test_distributions import ABROAD, KITCHEN, OWNER, TAILOR, happened, registered, void
from tests.door import Client, Recorded, told

Door = Mapping[str, Client]
Json = dict[str, Any]
POSITION = {"latitude_microdegrees": -2_131_627, "longitude_microdegrees": 106_116_930, "accuracy_metres": 12}
EVIDENCE: Json = {"photo_reference": "foto/2026/1", "position": POSITION, "signature_name": "Sulastri"}


@pytest.fixture
async def stocked(database: Database) -> Database:
    """Masks at two warehouses, two businesses in Pangkalpinang and one in Belitung."""
    for place in (WAREHOUSE, ELSEWHERE):
        await receive(database, receipt(1_000, ago(90), place=place))
    await happened(database, registered(), registered(KITCHEN, "Dapur Rina"), registered(ABROAD, "Lada", "19.02"))
    return database


def order(**changes: Any) -> Json:
    return {
        "programme": "free-masks",
        "place": WAREHOUSE,
        "occurred_at": NOON.isoformat(),
        "lines": [{"item": MASKS, "quantity": 1}],
        "recipients": {"businesses": [str(TAILOR)]},
    } | changes


async def test_evidence_comes_with_a_hand_out_and_is_seen_by_whom_it_concerns(
    door: Door, stocked: Database, recorded: Recorded
) -> None:
    client = door["pangkalpinang"]
    answer = await client.post("/aid/distributions", json=order(evidence=EVIDENCE))
    assert answer.status_code == 201, answer.text
    assert "Sulastri" not in answer.text
    path = f"/aid/distributions/{answer.json()['id']}/evidence"
    shown = (await client.get(path)).json()
    assert shown == EVIDENCE | {
        "id": shown["id"], "distribution_id": answer.json()["id"], "signed": True,
        "recorded_at": "2026-05-20T12:00:00+07:00",
    }  # fmt: skip
    assert (await door["auditor"].get(path)).json() == shown | {"signature_name": None}
    assert (await door["belitung"].get(path)).status_code == 404
    assert not [row for row in await recorded.rows() if b"Sulastri" in row.data or b"foto" in row.data]
    again = await client.post(path, json=EVIDENCE)
    assert (again.status_code, again.json()["code"]) == (409, "evidence_exists")


async def test_evidence_may_come_later_and_once(door: Door, stocked: Database) -> None:
    client = door["pangkalpinang"]
    done = (await client.post("/aid/distributions", json=order())).json()
    path = f"/aid/distributions/{done['id']}/evidence"
    assert (await client.get(path)).status_code == 404
    assert (await door["auditor"].post(path, json=EVIDENCE)).status_code == 403
    assert (await door["belitung"].post(path, json=EVIDENCE)).status_code == 404
    added = await client.post(path, json={"signature_name": "Sulastri"}, headers={"Idempotency-Key": "k"})
    assert (added.status_code, added.json()["distribution_id"]) == (201, done["id"])
    assert await ask(stocked, "SELECT count(*) FROM idempotency WHERE strpos(body::text, 'Sulastri') > 0") == [(0,)]
    assert (await client.get(path)).json()["position"] is None
    assert (await client.post(path, json={"photo_reference": "foto/2"})).status_code == 409
    assert (await client.get(path)).json()["photo_reference"] is None


async def test_all_that_is_wrong_with_evidence_is_told_at_once(door: Door, stocked: Database) -> None:
    client = door["pangkalpinang"]
    assert told(await client.post("/aid/distributions", json=order(evidence={}, place="NOWHERE"))) == {
        ("/evidence", "missing"),
        ("/place", "unknown_place"),
    }
    done = (await client.post("/aid/distributions", json=order())).json()
    path = f"/aid/distributions/{done['id']}/evidence"
    assert told(await client.post(path, json={})) == {("/photo_reference", "missing")}
    wrong = {"photo_reference": "x" * 201, "position": {"latitude_microdegrees": 90_000_001, "accuracy_metres": -1}}
    assert told(await client.post(path, json=wrong)) == {
        ("/photo_reference", "too_long"),
        ("/position/latitude_microdegrees", "too_large"),
        ("/position/longitude_microdegrees", "missing"),
        ("/position/accuracy_metres", "too_small"),
    }
    assert await ask(stocked, "SELECT count(*) FROM distribution_evidence") == [(0,)]


async def names(client: Client, **query: str) -> list[str]:
    asked = {"programme": "free-masks", "since": "2026-05-18"} | query
    answer = await client.get("/aid/follow-ups", params=asked)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["items"]]


async def test_the_follow_up_list_names_who_did_not_receive(door: Door, stocked: Database, recorded: Recorded) -> None:
    office = door["office"]
    assert await names(office) == ["Lada", "Konveksi Bersama", "Dapur Rina"]
    done = await distribute(stocked, distribution(1, ago(1), businesses=[TAILOR]))
    assert await names(office) == ["Lada", "Dapur Rina"]
    assert await names(office, programme="training") == ["Lada", "Konveksi Bersama", "Dapur Rina"]
    assert await names(office, since="2026-05-20") == ["Lada", "Konveksi Bersama", "Dapur Rina"]
    assert await names(office, since="2026-05-19") == ["Lada", "Dapur Rina"]
    assert await names(door["pangkalpinang"]) == ["Dapur Rina"]
    assert await names(door["pangkalpinang"], region="19.02") == []
    assert await names(door["belitung"]) == ["Lada"]
    assert await names(office, region="19.02") == ["Lada"]
    assert await names(office, sector="garment", region="19.71") == ["Dapur Rina"]
    assert await names(office, sector="food") == []
    await happened(stocked, BusinessClosed(business_id=KITCHEN, owner_id=OWNER, region="19.71", reason="no orders"))
    assert await names(office) == ["Lada"]
    await void(stocked, done.id)
    assert isinstance((await recorded())[-1], DistributionVoided)
    assert await names(office) == ["Lada", "Konveksi Bersama"]


async def test_the_follow_up_list_is_read_page_by_page_and_says_when_each_received_last(
    door: Door, stocked: Database
) -> None:
    await distribute(stocked, distribution(1, ago(40), businesses=[TAILOR]))
    await distribute(stocked, distribution(1, ago(30), businesses=[TAILOR]))
    seen: list[tuple[str, str | None]] = []
    following: str | None = "/aid/follow-ups?programme=free-masks&since=2026-05-01&limit=1"
    while following:
        answer = await door["office"].get(following)
        seen += [(one["name"], one["last_received_at"]) for one in answer.json()["items"]]
        following = answer.links.get("next", {}).get("url")
    assert seen == [("Lada", None), ("Konveksi Bersama", "2026-04-20T12:00:00+07:00"), ("Dapur Rina", None)]
    assert told(await door["office"].get("/aid/follow-ups?since=now&sector=X")) == {
        ("/query/programme", "missing"),
        ("/query/since", "bad_format"),
        ("/query/sector", "bad_format"),
    }


async def test_the_follow_up_list_looks_each_business_up_in_its_own_history(stocked: Database) -> None:
    async with stocked.reading(OFFICE) as work:
        plan = await work.session.connection()
        rows = await plan.exec_driver_sql(
            "EXPLAIN SELECT 1 FROM distribution_business WHERE business_id = $1 AND programme = 'free-masks'"
            " AND occurred_at >= now()",
            (TAILOR,),
        )
        assert "distribution_business_by_business" in "".join(str(row) for row in rows)


@pytest.mark.parametrize(
    ("population", "confidence", "margin", "size"),
    [
        # By hand for 1,000: 1,000 x 0.25 x 3.8415 / (0.0025 x 999 + 0.25 x 3.8415) = 960.36 / 3.4579 = 277.7.
        (1_000, 95, 5, 278),
        (100, 95, 5, 80),  # 96.04 / (0.2475 + 0.9604) = 79.5
        (500, 95, 5, 218),  # 480.18 / (1.2475 + 0.9604) = 217.5
        (1_000_000, 95, 5, 384),  # 960,364.7 / 2,500.96 = 383.999
        (1_000, 90, 10, 64),  # 676.4 / (9.99 + 0.6764) = 63.4
        (50, 99, 5, 47),  # 82.94 / (0.1225 + 1.6587) = 46.6
        (1, 95, 5, 1),
        (2, 95, 5, 2),
        (0, 95, 5, 0),
    ],
)
def test_the_size_of_a_sample_is_as_worked_out_by_hand(
    population: int, confidence: int, margin: int, size: int
) -> None:
    assert sample_size(population, confidence, margin) == size


@pytest.mark.parametrize(
    ("size", "populations", "parts"),
    [
        # 4.7, 1.6, 1.6, 1.2, 0.6 and 0.3: the wholes are seven, and .7, .6 and .6 have what is left.
        (10, {"a": 47, "b": 16, "c": 16, "d": 12, "e": 6, "f": 3}, {"a": 5, "b": 2, "c": 2, "d": 1, "e": 0, "f": 0}),
        (3, {"a": 1, "b": 1}, {"a": 2, "b": 1}),
        (0, {"a": 5}, {"a": 0}),
        (5, {"a": 5, "b": 0}, {"a": 5, "b": 0}),
        (1, {"b": 5, "a": 5}, {"a": 1, "b": 0}),
        (0, {}, {}),
    ],
)
def test_regions_take_part_by_largest_remainder(size: int, populations: dict[str, int], parts: dict[str, int]) -> None:
    assert in_proportion(size, populations) == parts
    assert sum(parts.values()) == size


async def drawn(client: Client, **query: object) -> Json:
    asked = {"programme": "free-masks", "from": "2026-05-10", "to": "2026-05-20", "seed": "mei", **query}
    answer = await client.get("/aid/distributions/sample", params={k: str(v) for k, v in asked.items()})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_sample_is_drawn_by_region_and_the_same_again(door: Door, stocked: Database) -> None:
    crowd = {UUID(int=100 + number): "19.71" if number < 30 else "19.02" for number in range(40)}
    await happened(stocked, *(registered(one, f"Usaha {one.int}", region) for one, region in crowd.items()))
    await distribute(stocked, distribution(40, ago(5), public=0, businesses=[*crowd]))
    local = [one for one, region in crowd.items() if region == "19.71"]
    last = await distribute(stocked, distribution(30, ago(2), public=9, businesses=local))
    await distribute(stocked, distribution(1, ago(11), businesses=[TAILOR]))
    gone = await distribute(stocked, distribution(1, ago(1), businesses=[KITCHEN]))
    await void(stocked, gone.id)
    sample = await drawn(door["office"], size=8)
    assert (sample["population"], sample["size"], sample["confidence_percent"]) == (40, 8, None)
    assert sample["regions"] == [
        {"region": "19.02", "population": 10, "size": 2},
        {"region": "19.71", "population": 30, "size": 6},
    ]
    assert Counter(one["region"] for one in sample["recipients"]) == {"19.71": 6, "19.02": 2}
    assert {one["number"] for one in sample["recipients"] if one["region"] == "19.71"} == {last.number}
    assert len({one["business_id"] for one in sample["recipients"]}) == 8
    assert sample["recipients"][0]["occurred_at"] == "2026-05-15T12:00:00+07:00"
    assert await drawn(door["office"], size=8) == sample
    others = [await drawn(door["office"], size=8, seed=seed) for seed in ("juni", "juli")]
    assert all(other["recipients"] != sample["recipients"] for other in others)
    # A larger sample by the same seed holds the smaller one: who was called is not called in vain.
    larger = {one["business_id"] for one in (await drawn(door["office"], size=20))["recipients"]}
    assert {one["business_id"] for one in sample["recipients"]} <= larger
    by_formula = await drawn(door["office"], confidence_percent=90, margin_percent=10)
    assert (by_formula["size"], by_formula["margin_percent"]) == (26, 10)  # 27.06 / (0.39 + 0.6764) = 25.4
    assert (await drawn(door["office"], size=99))["size"] == 40
    assert (await drawn(door["belitung"], size=99))["population"] == 0
    assert (await drawn(door["pangkalpinang"], size=99))["population"] == 30
    assert (await drawn(door["office"], size=99, region="19.02"))["population"] == 10
    assert (await drawn(door["office"], size=99, **{"from": "2026-05-19"}))["recipients"] == []


async def test_days_of_a_sample_the_wrong_way_round_are_refused(door: Door, stocked: Database) -> None:
    query = "programme=free-masks&seed=a&from=2026-05-20&to={}"
    for to, code in (("2026-05-19", "before_from"), ("2046-05-20", "too_far_apart")):
        answer = await door["office"].get(f"/aid/distributions/sample?{query.format(to)}")
        assert told(answer) == {("/query/to", code)}
    far = timedelta(days=3_660)
    wide = await drawn(door["office"], **{"from": (NOON - far).date(), "to": NOON.date()})
    assert (wide["population"], wide["size"], wide["regions"]) == (0, 0, [])
