"""The kits of a training, across two services that meet only in events: asked for, reserved or refused, released.

Both services stand on real stores with their real tables of reactions and positions. A courier carries what the one has
recorded to the other, when the test says so: so each order of things can be brought about, and each thing twice.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from services.aid_distribution import audits as aid_audits
from services.aid_distribution.distributions import handlers as distributions
from services.aid_distribution.distributions.orders import (
    DistributionView,
    PostDistribution,
    Recipients,
    VoidDistribution,
)
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger import reservations
from services.aid_distribution.ledger.audit import audit
from services.aid_distribution.ledger.catalogue import Category, PlaceKind, Unit
from services.aid_distribution.ledger.domain import Source
from services.aid_distribution.ledger.orders import AddItem, AddPlace, GoodsLine, ReceivedLine, ReceiveStock
from services.aid_distribution.ledger.programmes import Programme
from services.aid_distribution.ledger.reservation_orders import ReleaseReservation
from services.aid_distribution.ledger.reserved import ReservationRow
from services.aid_distribution.reactions import REACTIONS as AID
from services.registration import audits as registration_audits
from services.registration.businesses.handlers import load_regions
from services.registration.reactions import REACTIONS as REGISTRATION
from services.registration.trainings import changing
from services.registration.trainings import handlers as trainings
from services.registration.trainings.handlers import Found, TrainingData
from shared.caller import Caller, Role
from shared.clock import Clock, wib_midnight
from shared.contracts import EVENTS, Event
from shared.contracts.aid_distribution import KitsRefused, KitsReleased, KitsReserved
from shared.contracts.envelope import Envelope
from shared.contracts.registration import TrainingAnnounced
from shared.contracts.registration import TrainingCancelled as CalledOff
from shared.database import Database
from shared.effect_audit import Audits, Told
from shared.effects import Arrived, Effects
from shared.feed import events_after
from shared.privacy import Vault
from shared.province import PROVINCES, read_province
from shared.reaction import Heard, Reaction
from shared.routes import Asked
from tests.conftest import Databases

OFFICE = Caller("staff-provinsi", Role.PROVINCE_STAFF, ("19",))
NOON = datetime(2020, 9, 1, 5, 0, tzinfo=UTC)
KIT, SCISSORS = "SEWING-KIT", "SCISSORS"
HERE, PROVINCE, THERE = "WH-19.71", "WH-PROV", "WH-19.02"


class StoppedClock(Clock):
    """A clock that both services look at, and that goes on only when told to."""

    at = NOON

    def now(self) -> datetime:
        return self.at


@dataclass(slots=True)
class Side:
    """One of the two services: its store, and what it does about events."""

    name: str
    database: Database
    reactions: Sequence[Reaction]
    audits: Audits

    @property
    def effects(self) -> Effects:
        return Effects(self.name, self.database, self.reactions)

    async def recorded(self) -> list[Envelope]:
        async with self.database.reading(OFFICE) as work:
            lanes = [await events_after(work.session, self.name, lane, 0) for lane in range(self.database.partitions)]
        return sorted((one for lane in lanes for one in lane), key=lambda one: one.id)

    async def events(self, *kinds: type[Event]) -> list[Event]:
        told = [msgspec.msgpack.decode(one.data, type=EVENTS[one.type]) for one in await self.recorded()]
        return [event for event in told if isinstance(event, kinds)]

    async def ask(self, question: str, **values: object) -> list[tuple[Any, ...]]:
        async with self.database.reading(OFFICE) as work:
            return [tuple(row) for row in await work.session.execute(text(question), values)]


@dataclass(slots=True)
class Both:
    """Registration and aid, and the courier between them."""

    registration: Side
    aid: Side
    clock: StoppedClock
    carried: dict[tuple[str, int], int] = field(default_factory=dict)

    async def carry(self, source: Side, to: Side) -> None:
        """Carry to one service everything that the other has recorded, by number and position."""
        for lane in range(source.database.partitions):
            position = await to.effects.position(source.name, lane)
            async with source.database.reading(OFFICE) as work:
                fresh = await events_after(work.session, source.name, lane, position)
            if fresh:
                await to.effects.take(source.name, lane, [Arrived(one.seq, one) for one in fresh])

    async def carry_all(self) -> None:
        """Carry to and fro until nothing is left to be carried."""
        for _ in range(3):
            await self.carry(self.registration, self.aid)
            await self.carry(self.aid, self.registration)

    async def carry_again(self, source: Side, to: Side) -> None:
        """Hand every event once more past the position, as an operator does who brings back what was lost."""
        for one in await source.recorded():
            for reaction in to.reactions:
                if reaction.event.type == one.type:
                    caller = Caller(one.actor, Role.SERVICE, (one.region,))
                    async with to.database.work(caller) as work:
                        await reaction.run(work, [Heard(one.data, caller)])

    async def announce(self, kits: dict[str, int], place: str = HERE, on: date = date(2020, 9, 21)) -> Found:
        data = TrainingData(
            programme="TR-2020-03",
            title="Bimtek konveksi",
            sector="garment",
            region="19.71",
            venue="Aula Kantor Camat Gerunggang",
            seats=20,
            sessions=[on + timedelta(days=1), on],
            kits_place=place if kits else None,
            kits=kits,
        )
        async with self.registration.database.work(OFFICE) as work:
            return await trainings.announce(work, data, {"/region": "19.71"})

    async def cancel(self, training: Found) -> Found:
        async with self.registration.database.work(OFFICE) as work:
            return await trainings.cancel(work, training.training.id, "Pemateri sakit")

    async def kits(self, training: Found) -> tuple[str, str | None]:
        """Say how far the kits are, and under which number."""
        async with self.registration.database.reading(OFFICE) as work:
            row = (await trainings.show(work, training.training.id)).training
        return row.kits_state, row.kits_number

    async def available(self, place: str = HERE, item: str = KIT) -> tuple[int, int]:
        """Say how much lies free, and how much is reserved."""
        found = dict(await self.aid.ask("SELECT place, on_hand FROM card WHERE item = :item", item=item))
        return found.get(place, 0), found.get(f"{place}~", 0)

    async def is_whole(self) -> None:
        """Find nothing parked, every book right, and every effect there."""
        for side, other in ((self.registration, self.aid), (self.aid, self.registration)):
            assert await side.ask("SELECT type, error FROM parked") == []
            told = [
                Told(one.source, one.partition, one.seq, one.time, event)
                for one in await other.recorded()
                for event in [msgspec.msgpack.decode(one.data, type=EVENTS[one.type])]
            ]
            for effect in side.audits.heard:
                heard = [one for one in told if type(one.event) in effect.events]
                async with side.database.reading(OFFICE) as work:
                    last = {
                        (seen.told.event.subject, seen.aspect): seen for seen in await effect.look(work.session, heard)
                    }
                assert [seen.wrong for seen in last.values() if seen.wrong] == []
        async with self.aid.database.reading(OFFICE) as work:
            assert await audit(work.session, aid_audits.FIGURES) == []


@pytest.fixture
async def both(databases: Databases) -> AsyncIterator[Both]:
    """Two services that know the same province; twenty kits at the city's warehouse, more elsewhere."""
    clock = StoppedClock()
    registration = await databases("registration", migrated=True, clock=clock, vault=Vault(b"m" * 32))
    aid = await databases("aid_distribution", migrated=True, clock=clock)
    async with registration.work(OFFICE) as work:
        await load_regions(work, read_province(PROVINCES / "19-kepulauan-bangka-belitung").regions)
    async with aid.work(OFFICE) as work:
        for item in (KIT, SCISSORS):
            await ledger.add_item(
                work, AddItem(code=item, name=f"{item} lengkap", unit=Unit.PIECE, category=Category.KIT)
            )
        for place, region in ((HERE, "19.71"), (PROVINCE, "19"), (THERE, "19.02")):
            order = AddPlace(code=place, name=f"Gudang {place}", kind=PlaceKind.WAREHOUSE, region=region)
            await ledger.add_place(work, order)
        for place, quantity in ((HERE, 20), (PROVINCE, 50), (THERE, 7)):
            line = ReceivedLine(item=KIT, quantity=quantity)
            order_ = ReceiveStock(
                place=place, source=Source.SUPPLIER, occurred_at=NOON - timedelta(days=1), lines=[line]
            )
            await ledger.receive(work, [Asked(order_, OFFICE)])
    return Both(
        Side("registration", registration, REGISTRATION, registration_audits.AUDITS),
        Side("aid_distribution", aid, AID, aid_audits.AUDITS),
        clock,
    )


async def test_kits_are_asked_for_reserved_and_shown_with_the_training(both: Both) -> None:
    training = await both.announce({KIT: 20})
    assert await both.kits(training) == ("asked", None)
    await both.carry_all()
    assert await both.kits(training) == ("reserved", "2020-09-19.71-RS-0001")
    assert await both.available() == (0, 20)
    (answer,) = await both.aid.events(KitsReserved)
    assert isinstance(answer, KitsReserved)
    assert (answer.training_id, answer.place_region, answer.lines[0].quantity) == (training.training.id, "19.71", 20)
    # A week after the last session, at the end of the local day.
    assert answer.expires_at == wib_midnight(date(2020, 9, 30))
    ((actor, purpose),) = await both.aid.ask("SELECT actor, purpose FROM reservation")
    assert (actor, purpose) == ("staff-provinsi", "TR-2020-03 Bimtek konveksi")
    await both.is_whole()


async def test_what_is_short_is_told_with_where_more_of_it_lies_and_nothing_is_reserved(both: Both) -> None:
    training = await both.announce({KIT: 21, SCISSORS: 2})
    await both.carry_all()
    assert await both.kits(training) == ("refused", None)
    assert await both.available() == (20, 0)
    async with both.registration.database.reading(OFFICE) as work:
        row = (await trainings.show(work, training.training.id)).training
    assert row.kits_because == "short"
    assert row.kits_shortages == [
        {
            "item": SCISSORS,
            "item_name": "SCISSORS lengkap",
            "unit": "piece",
            "asked": 2,
            "available": 0,
            "elsewhere": [],
        },
        {
            "item": KIT,
            "item_name": "SEWING-KIT lengkap",
            "unit": "piece",
            "asked": 21,
            "available": 20,
            "elsewhere": [
                {"place": PROVINCE, "place_name": "Gudang WH-PROV", "region": "19", "available": 50},
                {"place": THERE, "place_name": "Gudang WH-19.02", "region": "19.02", "available": 7},
            ],
        },
    ]
    await both.is_whole()


async def test_kits_that_expire_before_the_last_session_are_left_and_told_of(both: Both) -> None:
    for place, expires_on in ((HERE, date(2020, 9, 21)), (THERE, date(2020, 9, 22))):  # sessions on 21 and 22
        line = ReceivedLine(item=KIT, quantity=8, lot=f"L-{place}", expires_on=expires_on)
        order = ReceiveStock(place=place, source=Source.SUPPLIER, occurred_at=NOON, lines=[line])
        async with both.aid.database.work(OFFICE) as work:
            await ledger.receive(work, [Asked(order, OFFICE)])
    first = await both.announce({KIT: 20})
    await both.carry_all()
    second = await both.announce({KIT: 1})
    await both.carry_all()
    assert [(await both.kits(one))[0] for one in (first, second)] == ["reserved", "refused"]
    (answer,) = await both.aid.events(KitsRefused)
    assert isinstance(answer, KitsRefused)
    assert [(one.asked, one.available) for one in answer.shortages] == [(1, 0)]
    assert [(one.place, one.available) for one in answer.shortages[0].elsewhere] == [(PROVINCE, 50), (THERE, 15)]
    assert await both.aid.ask("SELECT place, lot, why FROM lot_note") == [(HERE, f"L-{HERE}", "expires_before")]
    await both.is_whole()


REFUSED = {
    "unknown_place": ({KIT: 1}, "WH-NOWHERE"),
    "unknown_item": ({"NOTHING": 1, KIT: 1}, HERE),
}


@pytest.mark.parametrize("because", REFUSED)
async def test_what_aid_does_not_know_is_refused_and_not_parked(both: Both, because: str) -> None:
    training = await both.announce(*REFUSED[because])
    await both.carry_all()
    assert await both.kits(training) == ("refused", None)
    (answer,) = await both.aid.events(KitsRefused)
    assert isinstance(answer, KitsRefused)
    assert answer.because == because
    await both.is_whole()


async def test_what_is_heard_of_long_after_the_training_is_refused(both: Both) -> None:
    training = await both.announce({KIT: 1})
    both.clock.at = wib_midnight(date(2020, 9, 30))
    await both.carry_all()
    assert (await both.kits(training))[0] == "refused"
    await both.is_whole()


async def test_a_training_without_kits_asks_for_none(both: Both) -> None:
    training = await both.announce({})
    await both.carry_all()
    await both.cancel(training)
    await both.carry_all()
    assert await both.kits(training) == ("none", None)
    assert await both.aid.events(KitsReserved, KitsRefused, KitsReleased) == []


async def test_a_training_that_is_called_off_gives_its_kits_back(both: Both) -> None:
    training = await both.announce({KIT: 15})
    await both.carry_all()
    await both.cancel(training)
    await both.carry_all()
    assert await both.kits(training) == ("released", "2020-09-19.71-RS-0001")
    assert await both.available() == (20, 0)
    (answer,) = await both.aid.events(KitsReleased)
    assert isinstance(answer, KitsReleased)
    assert (answer.because, answer.reason) == ("released", "Pemateri sakit")
    await both.is_whole()


async def hand_out(both: Both, training: Found, quantity: int) -> UUID:
    reservation = (await _held(both))[training.training.id]
    order = PostDistribution(
        programme=Programme.TRAINING,
        place=HERE,
        occurred_at=NOON,
        lines=[GoodsLine(item=KIT, quantity=quantity)],
        recipients=Recipients(public=quantity),
        reservation=reservation,
    )
    async with both.aid.database.work(OFFICE) as work:
        (made,) = await distributions.post_all(work, [Asked(order, OFFICE)])
    assert isinstance(made, DistributionView)
    return made.id


async def void(both: Both, one: UUID) -> None:
    async with both.aid.database.work(OFFICE) as work:
        await distributions.void(work, OFFICE, one, VoidDistribution(reason="Tidak jadi dibagikan"))


@pytest.mark.parametrize("used", [15, 6])
async def test_what_was_handed_out_of_a_training_that_was_called_off_is_free_when_it_is_voided(
    both: Both, used: int
) -> None:
    training = await both.announce({KIT: 15})
    await both.carry_all()
    given = await hand_out(both, training, used)
    await both.cancel(training)
    await both.carry_all()
    assert await both.available() == (20 - used, 0)
    await void(both, given)
    assert await both.available() == (20, 0)
    await both.carry_all()
    assert (await both.kits(training))[0] == "released"
    (answer,) = await both.aid.events(KitsReleased)
    assert isinstance(answer, KitsReleased)
    assert (answer.because, answer.reason) == ("released", "Pemateri sakit")
    assert await both.aid.ask("SELECT state FROM reservation") == [("released",)]
    await both.is_whole()


async def test_what_is_voided_before_the_end_of_a_training_is_heard_of_is_released_with_it(both: Both) -> None:
    training = await both.announce({KIT: 15})
    await both.carry_all()
    first, second = await hand_out(both, training, 5), await hand_out(both, training, 10)
    await void(both, first)
    assert await both.available() == (5, 5)
    await both.cancel(training)
    await both.carry_all()
    assert await both.available() == (10, 0)
    await void(both, second)
    assert await both.available() == (20, 0)
    assert len(await both.aid.events(KitsReleased)) == 1
    await both.is_whole()


async def test_a_training_whose_last_session_moves_keeps_its_kits_as_long_after_it_as_before(both: Both) -> None:
    training = await both.announce({KIT: 15})
    await both.carry_all()
    async with both.registration.database.work(OFFICE) as work:
        await changing.move(work, training.training.id, 2, date(2020, 10, 20), None, "Aula dipakai vaksinasi")
    for _ in range(2):
        await both.carry_all()
        await both.carry_again(both.registration, both.aid)
    expires = await both.aid.ask("SELECT expires_at, version FROM reservation")
    assert expires == [(wib_midnight(date(2020, 10, 28)), 2)]
    both.clock.at = wib_midnight(date(2020, 9, 30))
    async with both.aid.database.work(OFFICE) as work:
        assert await reservations.sweep(work) == 0
    assert await both.kits(training) == ("reserved", "2020-09-19.71-RS-0001")
    assert await both.available() == (5, 15)
    async with both.registration.database.work(OFFICE) as work:
        await changing.move(work, training.training.id, 1, date(2020, 10, 19), None, "Aula dipakai vaksinasi")
    await both.carry_all()
    await both.cancel(training)
    await both.carry_all()
    (answer,) = await both.aid.events(KitsReleased)
    assert isinstance(answer, KitsReleased)
    assert answer.starts_on == date(2020, 10, 19)
    await both.is_whole()


async def test_kits_that_are_reserved_only_after_a_training_that_was_moved_forward_are_wanted_from_then_on(
    both: Both,
) -> None:
    training = await both.announce({KIT: 15})
    async with both.registration.database.work(OFFICE) as work:
        await changing.move(work, training.training.id, 2, date(2020, 9, 3), None, "Dimajukan")
    async with both.registration.database.work(OFFICE) as work:
        await changing.move(work, training.training.id, 1, date(2020, 9, 2), None, "Dimajukan")
    both.clock.at = wib_midnight(date(2020, 9, 6))
    await both.carry_all()
    assert await both.aid.ask("SELECT wanted_on FROM reservation") == [(date(2020, 9, 6),)]
    await both.is_whole()


async def test_moving_what_was_called_off_or_is_over_brings_no_kits_back(both: Both) -> None:
    training = await both.announce({KIT: 15})
    async with both.registration.database.work(OFFICE) as work:
        await changing.move(work, training.training.id, 2, date(2020, 10, 20), None, "Aula dipakai vaksinasi")
    await both.cancel(training)
    await both.carry_all()
    await both.carry_again(both.registration, both.aid)
    assert await both.available() == (20, 0)
    await both.is_whole()


async def test_calling_off_overtakes_the_answer_and_the_kits_are_free_all_the_same(both: Both) -> None:
    """It is called off while its kits are being reserved: the answer comes to a training that is over."""
    training = await both.announce({KIT: 15})
    await both.carry(both.registration, both.aid)
    assert await both.available() == (5, 15)
    await both.cancel(training)
    await both.carry(both.aid, both.registration)
    assert await both.kits(training) == ("reserved", "2020-09-19.71-RS-0001")
    await both.carry_all()
    assert await both.kits(training) == ("released", "2020-09-19.71-RS-0001")
    assert await both.available() == (20, 0)
    await both.is_whole()


async def test_both_words_in_one_batch_leave_nothing_reserved(both: Both) -> None:
    training = await both.announce({KIT: 15})
    await both.cancel(training)
    await both.carry_all()
    assert await both.kits(training) == ("released", "2020-09-19.71-RS-0001")
    assert await both.available() == (20, 0)
    await both.is_whole()


async def test_one_that_was_called_off_before_it_was_heard_of_is_never_reserved_for(both: Both) -> None:
    """The announcement waits in a parking place, was dropped there, and is handed again after the end was heard."""
    training = await both.announce({KIT: 15})
    await both.cancel(training)
    announced, called_off = await both.registration.recorded()
    for one in (called_off, announced, called_off):
        (reaction,) = [reaction for reaction in AID if reaction.event.type == one.type]
        async with both.aid.database.work(OFFICE) as work:
            await reaction.run(work, [Heard(one.data, OFFICE)])
    assert await both.available() == (20, 0)
    assert await both.aid.events(KitsReserved, KitsRefused, KitsReleased) == []


@pytest.mark.parametrize("called_off", [False, True])
async def test_what_is_told_again_changes_nothing_and_is_answered_once(both: Both, called_off: bool) -> None:  # noqa: FBT001 - a case
    first, second = await both.announce({KIT: 15}), await both.announce({KIT: 15})
    await both.carry_all()
    if called_off:
        await both.cancel(first)
        await both.cancel(second)
        await both.carry_all()
    states = [await both.kits(first), await both.kits(second)]
    before = await both.available(), len(await both.aid.recorded()), len(await both.registration.recorded())
    for _ in range(2):
        await both.carry_again(both.registration, both.aid)
        await both.carry_again(both.aid, both.registration)
        await both.carry_all()
    assert [await both.kits(first), await both.kits(second)] == states
    assert (
        await both.available(),
        len(await both.aid.recorded()),
        len(await both.registration.recorded()),
    ) == before
    expected = {("refused", "released")} if called_off else {("refused", "reserved")}
    assert {tuple(sorted(state for state, _ in states))} == expected
    await both.is_whole()


async def test_a_second_copy_of_the_consumer_that_is_given_the_same_takes_no_second_effect(both: Both) -> None:
    await both.announce({KIT: 15})
    copy = Effects("aid_distribution", both.aid.database, AID)
    for lane in range(both.registration.database.partitions):
        async with both.registration.database.reading(OFFICE) as work:
            events = await events_after(work.session, "registration", lane, 0)
        arrived = [Arrived(one.seq, one) for one in events]
        if arrived:
            await both.aid.effects.take("registration", lane, arrived)
            await copy.take("registration", lane, arrived)
    assert await both.available() == (5, 15)
    assert len(await both.aid.events(KitsReserved)) == 1


async def test_kits_that_their_keepers_release_or_that_expire_are_told_to_the_training(both: Both) -> None:
    first, second = await both.announce({KIT: 5}), await both.announce({KIT: 6})
    await both.carry_all()
    async with both.aid.database.work(OFFICE) as work:
        rows = (await work.session.execute(text("SELECT id, training_id FROM reservation"))).all()
        held = {row.training_id: row.id for row in rows}
        await reservations.release(work, OFFICE, held[first.training.id], ReleaseReservation(reason="Dipakai posko"))
    both.clock.at = wib_midnight(date(2020, 9, 30))
    async with both.aid.database.work(OFFICE) as work:
        assert await reservations.sweep(work) == 1
    await both.carry_all()
    assert [(await both.kits(one))[0] for one in (first, second)] == ["released", "released"]
    told = await both.aid.events(KitsReleased)
    assert {(event.because, event.reason) for event in told if isinstance(event, KitsReleased)} == {
        ("released", "Dipakai posko"),
        ("expired", "expired"),
    }
    await both.is_whole()


async def test_the_aggregate_keeps_its_order_on_both_sides(both: Both) -> None:
    training = await both.announce({KIT: 15})
    await both.carry_all()
    await both.cancel(training)
    await both.carry_all()
    subject = f"training/{training.training.id}"
    kinds = {TrainingAnnounced: CalledOff, KitsReserved: KitsReleased}
    for side in (both.registration, both.aid):
        mine = [one for one in await side.recorded() if one.subject == subject]
        assert len({one.partition for one in mine}) == 1
        assert all(earlier.seq < later.seq for earlier, later in pairwise(mine))
        first, last = mine
        assert kinds[EVENTS[first.type]] is EVENTS[last.type]  # type: ignore[index]  # the keys are types of events


async def test_an_error_in_either_book_is_found(both: Both) -> None:
    training = await both.announce({KIT: 15})
    await both.carry_all()
    async with both.registration.database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE training SET kits_state = 'asked'"))
    with pytest.raises(AssertionError, match="its kits are asked"):
        await both.is_whole()
    async with both.registration.database.work(OFFICE) as work:
        await work.session.execute(text("UPDATE training SET kits_state = 'reserved'"))
    await both.is_whole()
    async with both.aid.database.work(OFFICE) as work:
        await work.session.execute(text("DELETE FROM training_kits"))
    with pytest.raises(AssertionError, match="neither reserved nor refused"):
        await both.is_whole()
    async with both.aid.database.reading(OFFICE) as work:
        assert (await work.session.get(ReservationRow, (await _held(both))[training.training.id])) is not None


async def _held(both: Both) -> dict[Any, Any]:
    return dict(await both.aid.ask("SELECT training_id, id FROM reservation"))
