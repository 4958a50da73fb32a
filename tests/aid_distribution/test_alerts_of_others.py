"""Prices above their ceiling, dry stations and overdue exceptions are alerts, each opened and cleared once."""

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from uuid import UUID

from services.aid_distribution.alerts.audit import ALERTS
from services.aid_distribution.alerts.sweep import sweep
from services.aid_distribution.exceptions.domain import DEADLINE_DAYS
from services.aid_distribution.main import WATCHES
from shared.contracts.aid_distribution import AlertCleared, AlertEvent, AlertRaised
from shared.contracts.registration import KitWanted, TrainingAnnounced, TrainingMoved
from shared.database import Database
from shared.effect_audit import Told
from tests.aid_distribution import stations
from tests.aid_distribution.story import (
    ELSEWHERE,
    MARKET,
    MASKS,
    OFFICE,
    RICE,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    plant,
    receipt,
    receive,
)
from tests.aid_distribution.test_alerts import other  # noqa: F401 - a fixture
from tests.aid_distribution.test_alerts_api import listed
from tests.aid_distribution.test_distributions import happened
from tests.aid_distribution.test_exceptions import issued, made
from tests.aid_distribution.test_prices import allow, ceiling, price, see
from tests.door import Client, Recorded
from tests.following import blocks_of

Door = Mapping[str, Client]
OPEN = "SELECT kind FROM alert WHERE cleared_at IS NULL ORDER BY kind"


async def swept(database: Database) -> None:
    while await database.run(OFFICE, partial(sweep, watches=WATCHES)):
        pass


async def alert_events(recorded: Recorded) -> list[AlertEvent]:
    return [event for event in await recorded() if isinstance(event, AlertEvent)]


async def everything(database: Database, clock: StoppedClock, door: Door) -> None:
    """Let one thing of each kind be wrong: a price in one region, a station and an exception in another."""
    await stations.furnish_sites(database)
    await allow(database, ceiling(50_000))
    await see(database, price(60_000, place=ELSEWHERE))
    station = await stations.place(database)
    await stations.visit(database, station.id, stations.dry())
    await made(door["pangkalpinang"], "/aid/exceptions/issues", issued(5))
    clock.advance(timedelta(days=DEADLINE_DAYS))


async def test_a_price_above_its_ceiling_is_opened_once_and_cleared_once(
    database: Database, recorded: Recorded, clock: StoppedClock
) -> None:
    await allow(database, ceiling(50_000))
    await see(database, price(50_000, ago(3)))
    await swept(database)
    assert await alert_events(recorded) == []
    await see(database, price(51_000, ago(2)))
    for _ in range(2):
        await swept(database)
    (raised,) = await alert_events(recorded)
    assert isinstance(raised, AlertRaised)
    assert (raised.kind, raised.about, raised.region) == ("price", f"price/{MARKET}/{RICE}", "19.71")
    assert (raised.place, raised.item, raised.figure, raised.threshold) == (MARKET, RICE, 51_000, 50_000)
    assert raised.due_on == ago(2).date()
    await see(database, price(52_000, ago(1)))
    await swept(database)
    assert len(await alert_events(recorded)) == 1, "it stands above its ceiling still"
    await see(database, price(49_000))
    for _ in range(2):
        await swept(database)
    _, cleared = await alert_events(recorded)
    assert isinstance(cleared, AlertCleared)
    assert (cleared.alert_id, cleared.about) == (raised.alert_id, raised.about)
    clock.advance(timedelta(days=1))
    await see(database, price(53_000, clock.now()))
    await swept(database)
    assert [type(event) for event in await alert_events(recorded)] == [AlertRaised, AlertCleared, AlertRaised]


async def test_a_dry_station_is_open_until_it_has_water_or_is_gone(database: Database, recorded: Recorded) -> None:
    await stations.furnish_sites(database)
    filled, gone, working = [
        await stations.place(database, stations.placing(code=code)) for code in ("CT-01", "CT-02", "CT-03")
    ]
    await stations.visit(database, filled.id, stations.dry(ago(3)))
    await stations.visit(database, gone.id, stations.dry(ago(3)))
    await stations.visit(database, working.id, stations.visiting(ago(3)))
    await swept(database)
    about = {f"station/{station.id}" for station in (filled, gone)}
    events = await alert_events(recorded)
    assert {(event.kind, event.about, event.place, event.region) for event in events} == {
        ("dry_station", one, stations.SITE, "19.71") for one in about
    }
    await stations.visit(database, filled.id, stations.dry(ago(2)))
    await swept(database)
    assert len(await alert_events(recorded)) == len(events)
    await stations.visit(database, filled.id, stations.dry(ago(1), filled=True))
    await stations.remove(database, gone.id)
    await swept(database)
    cleared = [event for event in await alert_events(recorded) if isinstance(event, AlertCleared)]
    assert {event.about for event in cleared} == about
    assert await ask(database, OPEN) == []


async def test_an_overdue_exception_is_open_until_it_is_settled_or_may_take_longer(
    database: Database, door: Door, recorded: Recorded, clock: StoppedClock
) -> None:
    office = door["pangkalpinang"]
    settled, prolonged, dropped = [await made(office, "/aid/exceptions/issues", issued(5)) for _ in range(3)]
    await swept(database)
    assert await alert_events(recorded) == []
    clock.advance(timedelta(days=DEADLINE_DAYS))
    for _ in range(2):
        await swept(database)
    assert await ask(database, OPEN) == [("exception_overdue",)] * 3
    assert len(await alert_events(recorded)) == 3
    await receive(database, receipt(5, ago(1)))
    answer = await office.post(f"/aid/exceptions/{settled['id']}/application", json={})
    assert answer.is_success, answer.text
    answer = await office.post(f"/aid/exceptions/{dropped['id']}/drop", json={"reason": "typed twice"})
    assert answer.is_success, answer.text
    later = (clock.now() + timedelta(days=2)).isoformat()
    seen = await office.get(f"/aid/exceptions/{prolonged['id']}")
    answer = await office.patch(
        f"/aid/exceptions/{prolonged['id']}",
        json={"due_at": later, "reason": "waits for papers"},
        headers={"If-Match": seen.headers["etag"]},
    )
    assert answer.is_success, answer.text
    await swept(database)
    assert await ask(database, OPEN) == []
    clock.advance(timedelta(days=2))
    await swept(database)
    last = (await alert_events(recorded))[-1]
    assert isinstance(last, AlertRaised)
    assert last.about == f"exception/{prolonged['id']}"


async def test_alerts_of_every_kind_are_one_list_by_kind_and_region(
    database: Database, door: Door, clock: StoppedClock
) -> None:
    await everything(database, clock, door)
    await swept(database)

    async def found(name: str, **query: object) -> set[tuple[object, object]]:
        return {(one["kind"], one["region"]) for one in await listed(door[name], "/aid/alerts", **query)}

    price_there, dry, overdue = ("price", "19.02"), ("dry_station", "19.71"), ("exception_overdue", "19.71")
    assert await found("office") == {price_there, dry, overdue}
    assert await found("office", kind="dry_station") == {dry}
    assert await found("office", region="19.02", state="open") == {price_there}
    assert await found("office", region="19.02", kind="dry_station") == set()
    assert await found("pangkalpinang") == {dry, overdue}
    assert await found("belitung", kind="price") == {price_there}
    (one,) = await listed(door["office"], "/aid/alerts", kind="price")
    assert (one["state"], one["figure"], one["threshold"], one["place"]) == ("open", 60_000, 50_000, ELSEWHERE)
    assert (one["item"], one["left_out"]) == (RICE, None)


async def test_the_live_feed_tells_each_office_of_its_own(
    database: Database, door: Door, clock: StoppedClock, recorded: Recorded
) -> None:
    await everything(database, clock, door)
    begin = blocks_of((await door["office"].get("/aid/live", params={"wait_seconds": 0})).text)[0].id
    await swept(database)

    async def heard(name: str) -> set[tuple[str, object]]:
        answer = await door[name].get("/aid/live", params={"after": begin, "wait_seconds": 0})
        return {(block.event, block.data["data"]["kind"]) for block in blocks_of(answer.text)[1:]}

    raised = AlertRaised.type
    assert await heard("belitung") == {(raised, "price")}
    assert await heard("pangkalpinang") == {(raised, "dry_station"), (raised, "exception_overdue")}
    assert len(await heard("auditor")) == 3


async def test_of_two_that_sweep_at_once_one_opens_and_the_audit_sees_every_alert(
    database: Database,
    other: Database,  # noqa: F811 - the fixture
    door: Door,
    clock: StoppedClock,
    recorded: Recorded,
) -> None:
    await everything(database, clock, door)
    await asyncio.gather(*(swept(store) for store in (database, other) * 4))
    assert len(await alert_events(recorded)) == 3
    await see(database, price(1, clock.now(), place=ELSEWHERE))
    await asyncio.gather(*(swept(store) for store in (database, other) * 4))
    assert (
        sorted(type(event).__name__ for event in await alert_events(recorded)) == ["AlertCleared"] + ["AlertRaised"] * 3
    )

    async def wrong() -> set[str]:
        asked = [
            Told("aid_distribution", row.partition, row.seq, row.time, event)
            for row, event in zip(await recorded.rows(), await recorded(), strict=True)
            if type(event) in ALERTS.events
        ]
        async with database.reading(OFFICE) as work:
            seen = await ALERTS.look(work.session, asked)
        latest = {(one.told.event.subject, one.aspect): one.wrong for one in seen}
        assert len(latest) == 4
        return set(latest.values()) - {""}

    assert await wrong() == set()
    async with database.work(OFFICE) as work:
        await plant(work, "UPDATE alert SET cleared_at = NULL, threshold = 7 WHERE kind = 'price'")
    assert await wrong() == {"the row differs in threshold", "the row differs in cleared"}


async def test_keepers_are_alerted_when_a_moved_training_outlives_a_lot_that_was_promised_to_it(
    database: Database, recorded: Recorded
) -> None:
    (first, last), training = (date(2026, 6, 1), date(2026, 6, 3)), UUID(int=7)
    about = {"training_id": training, "programme": "TR-1", "title": "Bimtek konveksi", "region": "19.71"}
    await receive(database, receipt(4, ago(1), lot="SOON", expires_on=last))
    await receive(database, receipt(9, ago(1), lot="LATER", expires_on=date(2026, 7, 1)))
    announced = TrainingAnnounced(
        **about,
        starts_on=first,
        ends_on=last,
        sector="garment",
        venue="Balai",
        sessions=[first, last],
        seats=5,
        kits_place=WAREHOUSE,
        kits=[KitWanted(item=MASKS, quantity=5)],
    )

    def moved(change: int, to: date) -> TrainingMoved:
        return TrainingMoved(
            **about,
            starts_on=first,
            ends_on=to,
            change=change,
            session=2,
            was_on=last,
            held_on=to,
            venue="Balai",
            reason="Banjir",
            sessions=[first, to],
            businesses=[],
        )

    await happened(database, announced)
    await swept(database)
    assert await alert_events(recorded) == []
    await happened(database, moved(1, date(2026, 6, 4)))
    for _ in range(2):
        await swept(database)
    (raised,) = await alert_events(recorded)
    assert isinstance(raised, AlertRaised)
    assert (raised.kind, raised.region, raised.place, raised.item) == ("reserved_expires", "19.71", WAREHOUSE, MASKS)
    assert (raised.lot, raised.figure, raised.due_on) == ("SOON", 4, last)
    assert (raised.place_name, raised.item_name, raised.unit) == (f"Gudang {WAREHOUSE}", "Masker kain", "piece")
    await happened(database, moved(2, last))
    await swept(database)
    assert isinstance((await alert_events(recorded))[-1], AlertCleared)
