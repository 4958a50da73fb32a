"""Every crash point, in every handler that passes it, once: killed there, begun again, and nothing lost or doubled.

The points come from `shared/crashpoints.py`, the handlers from the tables of routes and reactions; so one that is added
later is tried too, or fails here because nobody has said how it is brought about. What a point cannot lie in is tried
as well, where only the running code knows it: the process must then outlive the order.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from services.suite import SERVICES
from shared.contracts import SUBSCRIPTIONS, Event
from shared.contracts.registration import SeatExpired
from shared.crashpoints import POINTS, Passer, Point
from shared.idempotency import REPLAYED_HEADER
from shared.reaction import Reaction
from shared.routes import Route
from tests.faults.ground import Ground, ground
from tests.faults.orders import CAUSES, ORDERS
from tests.faults.orders.businesses import import_new_businesses, register_another
from tests.faults.orders.giving import Order, Recipe
from tests.faults.orders.messages import ask_for_known_code, broadcast_at_once
from tests.faults.orders.stock import dispatch_transfer, receive_stock
from tests.faults.trial import KILLED, Trial, more
from tests.waiting import wait_until

ORDERS_AT_ONCE = 3
ROUTES_TOGETHER = 13
EVENTS_TOGETHER = 10
OF_SERVICE = {route.name: service.name for service in SERVICES for route in service.declared}
ROUTES = [route for service in SERVICES for route in service.declared if route.writes]
REACTIONS = [(service.name, reaction) for service in SERVICES for reaction in service.reactions]
HEARD = list(dict.fromkeys((service, reaction.event) for service, reaction in REACTIONS))
# A seat is offered before its offer expires: where both fail it is the first that is parked, and the other waits behind
# it, which tests/shared/test_failure_matrix.py tries.
PARKED = [(service, event) for service, event in HEARD if event is not SeatExpired]
LANES = [(service, source) for service, sources in SUBSCRIPTIONS.items() for source in sources]
NEWS: dict[str, Recipe] = {
    "registration": register_another,
    "aid_distribution": receive_stock,
    "notifications": dispatch_transfer,  # of which its keepers are told by letter, and that is an event too
}
"""An order after which a service has recorded something."""

PARTS = {
    "keys": ("token.jwk", "master.key"),
    "provision": tuple(f"serumpun_{service.name}" for service in SERVICES),
    "migrations": tuple(service.name for service in SERVICES),
    "province": tuple(service.name for service in SERVICES),
}
"""What each step of a first start does one after the other."""

LETTERS = {
    "sender.after_lease": ("accepted", 1),
    "sender.after_begin": ("unknown", 0),
    "email.before_content": ("unknown", 0),
    "sender.after_delivery": ("unknown", 1),
    "sender.after_settle": ("accepted", 1),
    "sender.after_sweep": ("unknown", 0),
}
"""What becomes of a letter over which the sender dies, and how often it was handed over: never twice."""

tried: set[str] = set()


def points(passer: Passer, *names: str) -> "pytest.MarkDecorator":
    """Try all points of a passer, or those of them that are tried in one way."""
    found = [point for point in POINTS.values() if point.passer is passer and (not names or point.name in names)]
    tried.update(point.name for point in found)
    return pytest.mark.parametrize("point", found, ids=[point.name for point in found])


def each(names: str | tuple[str, ...], values: Iterable[object]) -> "pytest.MarkDecorator":
    values = list(values)
    return pytest.mark.parametrize(names, values, ids=[f"{_named(value)}{_where(value)}" for value in values])


def _where(value: object) -> str:
    """Say where a handler is tried: with all its points in one process, which measures its footprint once."""
    match value:
        case Route():
            return f"@orders{ROUTES.index(value) // ROUTES_TOGETHER}"
        case (str(service), Reaction() as reaction):
            return _where((service, reaction.event))
        case (str(service), type() as event):
            return f"@events{HEARD.index((service, event)) // EVENTS_TOGETHER}"
        case _:
            return ""


def _named(value: object) -> str:
    match value:
        case Route():
            return value.name
        case Reaction():
            return f"{value.event.__name__}-{value.name.rpartition('.')[2]}"
        case tuple():
            return "-".join(_named(part) for part in value)
        case type():
            return value.__name__
        case _:
            return str(value)


class Trials:
    """The installation on trial; another one when a test has left it restless, so that one failure stays one."""

    def __init__(self, empty: Ground) -> None:
        self._ground = empty
        self._stack = AsyncExitStack()
        self._trial: Trial | None = None

    async def get(self) -> Trial:
        if self._trial is not None and self._trial.restless:
            await self.end()
            await self._ground.clear()
        if self._trial is None:
            self._trial = await self._stack.enter_async_context(self._ground.trial())
        self._trial.restless = True  # until the test has seen to the end that all is well
        return self._trial

    async def end(self) -> None:
        self._trial = None
        await self._stack.aclose()


@pytest_asyncio.fixture(scope="module")
async def empty() -> AsyncIterator[Ground]:
    async with ground() as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def untouched() -> AsyncIterator[Ground]:
    """Give servers of which only the first start and its deaths have ever heard."""
    async with ground() as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def trials(empty: Ground) -> AsyncIterator[Trials]:
    trials = Trials(empty)
    yield trials
    await trials.end()


@pytest_asyncio.fixture
async def trial(trials: Trials) -> Trial:
    return await trials.get()


def test_every_point_is_tried_and_every_handler_can_be() -> None:
    assert tried == set(POINTS), "a point that no test here tries"
    assert set(ORDERS) == {route.name for route in ROUTES}, "a writing route without an order in orders/"
    assert set(CAUSES) == {event for _, event in HEARD}, "an event without an order in orders/ that brings it about"
    assert set(LETTERS) == {point.name for point in POINTS.values() if point.passer is Passer.SENDER}


# The first start, killed at every step, one after the other.


@pytest.mark.parametrize(
    ("point", "part"),
    [
        pytest.param(point, part, id=f"{point.name}-{part}")
        for point in POINTS.values()
        if point.passer is Passer.START
        for part in PARTS[point.name.partition(".")[0]]
    ],
)
async def test_a_first_start_killed_between_two_steps_is_finished_by_the_next(
    untouched: Ground, point: Point, part: str
) -> None:
    async with untouched.first_start() as lives:
        await lives.begin(f"{point.name}@{part}")
        assert await lives.death() == KILLED


tried.update(point.name for point in POINTS.values() if point.passer is Passer.START)


# Orders over HTTP


@points(Passer.ORDER)
@each("route", ROUTES)
async def test_an_order_takes_effect_once(trial: Trial, point: Point, route: Route) -> None:
    await killed_over_orders(trial, point, route, 1)


@points(Passer.KEYED)
@each("route", [route for route in ROUTES if route.method == "POST"])  # only these may carry a key
async def test_an_order_with_a_key_takes_effect_once(trial: Trial, point: Point, route: Route) -> None:
    await killed_over_orders(trial, point, route, 1)


@points(Passer.SHARED)
@each("route", [route for route in ROUTES if route.together])  # the others have a transaction of their own
async def test_orders_that_share_a_transaction_take_effect_once_each(trial: Trial, point: Point, route: Route) -> None:
    await killed_over_orders(trial, point, route, ORDERS_AT_ONCE)


@points(Passer.RECORDER)
@each("route", ROUTES)
async def test_an_order_and_its_events_take_effect_once(trial: Trial, point: Point, route: Route) -> None:
    service = OF_SERVICE[route.name]
    if f"{service}.outbox" in await trial.footprint_of(ORDERS[route.name]):
        await killed_over_orders(trial, point, route, 1)
        return
    (order,), _ = await trial.ready_for(ORDERS[route.name])
    await trial.lives[service].die_at(point.name)
    await trial.done(order)
    await trial.rests()
    assert await trial.asked(service, "/livez"), f"{route.name} records nothing, and yet it died at {point.name}"
    await trial.begin_anew(service)


async def killed_over_orders(trial: Trial, point: Point, route: Route, count: int) -> None:
    """Let the service die over orders, and see that sending them again has each take effect once in all."""
    recipe, service = ORDERS[route.name], OF_SERVICE[route.name]
    orders, before = await trial.ready_for(recipe, count)

    await trial.lives[service].die_at(point.name)
    lost = await asyncio.gather(*(trial.send(order) for order in orders))
    assert await trial.lives[service].death() == KILLED
    due = await trial.footprint_of(recipe) if point.stands else ()
    standing = more(before, await trial.rows())
    assert [table for table in standing if table.startswith(f"{service}.")] == [
        table for table in due if table.startswith(f"{service}.")
    ]

    await trial.begin(service)
    again = [await trial.sent_until_answered(order) for order in orders]
    once_more = [await trial.sent_until_answered(order) for order in orders]
    if route.conditional:
        assert [answer.status_code for answer in again] == [412 if point.stands else 200]  # stale: it was changed
        assert [answer.status_code for answer in once_more] == [412]
    else:
        if not route.by_line:  # its answer begins before it is known what of it was given before
            assert any(REPLAYED_HEADER in answer.headers for answer in again) == point.stands
        assert all(answer.is_success for answer in again)
        assert [answer.content for answer in once_more] == [answer.content for answer in again]
        assert all(answer is None or answer.content == first.content for answer, first in zip(lost, again, strict=True))
    await trial.rests()
    await trial.has_left(recipe, before, count)


# Events and their reactions


@points(Passer.REACTION)
@each(("service", "reaction"), REACTIONS)
async def test_a_reaction_takes_effect_once(trial: Trial, point: Point, service: str, reaction: Reaction) -> None:
    passing = f"{reaction.name}/{reaction.event.type}"
    await killed_over_event(trial, point, passing, service, reaction.event)


@points(Passer.HEARD, "consumer.before_commit", "consumer.after_commit")
@each(("service", "event"), HEARD)
async def test_an_event_takes_effect_once(trial: Trial, point: Point, service: str, event: type[Event]) -> None:
    await killed_over_event(trial, point, event.type, service, event)


async def killed_over_event(trial: Trial, point: Point, passing: str, service: str, event: type[Event]) -> None:
    """Let a service die over an event that another one records, and see that it takes effect once in all."""
    (order,), before = await trial.ready_for(CAUSES[event])

    await trial.lives[service].die_at(f"{point.name}@{passing}")
    await trial.done(order)
    assert await trial.lives[service].death() == KILLED
    assert await trial.has_consumed(service, event) == point.stands

    await trial.begin(service)
    await trial.rests()
    await trial.has_left(CAUSES[event], before)


async def held_back(trial: Trial, service: str, event: type[Event], order: Order) -> Awaitable[object]:
    """Give what brings an event about when the service that is to hear it has been broken.

    It is the order, or where that goes to the same service, the one that answers it and has no life until then.
    """
    if order.service != service:
        return trial.done(order)
    await trial.lives[event.source].kill()
    await trial.done(order)
    return trial.begin(event.source)


@points(Passer.HEARD, "consumer.gap_fetched")
@each(("service", "event"), HEARD)
async def test_an_event_fetched_from_the_feed_takes_effect_once(
    trial: Trial, point: Point, service: str, event: type[Event]
) -> None:
    (order,), _ = await trial.ready_for(CAUSES[event])
    cause = await held_back(trial, service, event, order)
    await wait_until(lambda: trial.has_told_all(service), description="all that was told to be sent")
    await trial.lives[service].kill()
    await trial.records_next(event, cause)
    await trial.loses_from_the_stream(event, NEWS[event.source])

    await trial.lives[service].begin(point.name)
    assert await trial.lives[service].death() == KILLED
    assert await trial.has_consumed(service, event) == point.stands

    await trial.begin(service)
    await trial.rests()


@points(Passer.HEARD, "parking.before_commit", "parking.after_commit")
@each(("service", "event"), PARKED)
async def test_an_event_that_fails_is_parked_once_and_takes_effect_once_after_the_fix(
    trial: Trial, point: Point, service: str, event: type[Event]
) -> None:
    (order,), before = await trial.ready_for(CAUSES[event])
    cause = await held_back(trial, service, event, order)
    await trial.break_handlers(service)

    await trial.lives[service].die_at(f"{point.name}@{event.type}")
    await cause
    assert await trial.lives[service].death() == KILLED
    assert await trial.is_parked(service, event) == (point.name == "parking.after_commit")

    await trial.begin(service)
    await wait_until(lambda: trial.is_parked(service, event), description="the event to be parked")
    await wait_until(trial.has_heard_all, description="all others to be heard")
    await trial.lives[service].kill()
    await trial.mend_handlers(service)
    await trial.makes_due(service)
    await trial.begin(service)
    await trial.rests()
    await trial.has_left(CAUSES[event], before)


@points(Passer.HEARD, "parking.before_postpone_commit", "parking.before_retry_commit", "parking.after_retry_commit")
@each(("service", "event"), PARKED)
async def test_a_parked_event_takes_effect_once(trial: Trial, point: Point, service: str, event: type[Event]) -> None:
    (order,), before = await trial.ready_for(CAUSES[event])
    cause = await held_back(trial, service, event, order)
    await trial.break_handlers(service)
    await cause
    await wait_until(lambda: trial.is_parked(service, event), description="the event to be parked")
    await wait_until(trial.has_heard_all, description="all others to be heard")
    await trial.lives[service].kill()

    if point.name != "parking.before_postpone_commit":
        await trial.mend_handlers(service)
    await trial.makes_due(service)
    await trial.lives[service].begin(f"{point.name}@{event.type}")
    assert await trial.lives[service].death() == KILLED
    assert await trial.is_parked(service, event) != point.stands

    await trial.mend_handlers(service)
    await trial.makes_due(service)
    await trial.begin(service)
    await trial.rests()
    await trial.has_left(CAUSES[event], before)


# Letters


@points(Passer.SENDER)
async def test_a_letter_is_never_handed_over_twice_and_every_doubt_is_visible(trial: Trial, point: Point) -> None:
    sender, sweeping = trial.lives["notifications"], point.name == "sender.after_sweep"
    await trial.rests()
    await sender.die_at("sender.after_begin" if sweeping else point.name)
    business = await trial.done(await register_another(trial))
    assert await sender.death() == KILLED
    await trial.passes_a_lease()
    if sweeping:
        await sender.begin(point.name)
        assert await sender.death() == KILLED

    await trial.begin("notifications")
    await trial.rests()
    assert await trial.letter_of(f"business/{business['id']}") == LETTERS[point.name]


# Imports


@points(Passer.IMPORTER)
async def test_an_import_killed_between_two_batches_takes_each_row_once(trial: Trial, point: Point) -> None:
    order = await import_new_businesses(trial)
    before = await trial.rows()
    registration = trial.lives["registration"]
    await registration.die_at(point.name)
    await trial.send(order)
    assert await registration.death() == KILLED
    batch = 1 if point.stands else 0
    assert more(before, await trial.rows()).get("registration.business", 0) == batch
    await trial.begin("registration")
    await trial.sent_until_answered(order)
    await trial.settles()
    grown = more(before, await trial.rows())
    assert grown["registration.business"] == grown["registration.owner"] == 2
    assert grown["registration.outbox"] == 4
    assert "registration.business_import_finding" not in grown, "what was found is what was found when it was previewed"
    await trial.rests()


@points(Passer.COMPARER)
async def test_what_was_imported_is_compared_by_whoever_comes_after_the_one_that_died(
    trial: Trial, point: Point
) -> None:
    order = await import_new_businesses(trial)
    before = await trial.rows()
    registration = trial.lives["registration"]
    await registration.die_at(point.name)
    await trial.send(order)
    assert await registration.death() == KILLED
    assert more(before, await trial.rows())["registration.duplicate_check"] == 2
    await trial.begin("registration")
    await trial.sent_until_answered(order)
    await trial.settles()
    grown = more(before, await trial.rows())
    assert grown["registration.business"] == 2
    assert "registration.duplicate_check" not in grown
    await trial.rests()


# Broadcasts


@points(Passer.BROADCASTER)
async def test_a_broadcast_killed_over_a_stretch_of_people_tells_each_of_them_once(trial: Trial, point: Point) -> None:
    order = await broadcast_at_once(trial)
    notifications = trial.lives["notifications"]
    await trial.settles()
    before = await trial.rows()
    await notifications.die_at(point.name)
    await trial.send(order)
    assert await notifications.death() == KILLED
    assert "notifications.broadcast_recipient" not in more(before, await trial.rows())
    await trial.begin("notifications")
    await trial.sent_until_answered(order)
    await trial.rests()
    grown = more(before, await trial.rows())
    assert grown["notifications.broadcast_recipient"] == grown["notifications.delivery"] == 1


# Codes for signing in


@points(Passer.CODE_SENDER)
async def test_a_code_that_was_asked_for_is_sent_once(trial: Trial, point: Point) -> None:
    order = await ask_for_known_code(trial)
    notifications = trial.lives["notifications"]
    await trial.settles()
    before = await trial.rows()
    await notifications.die_at(point.name)
    await trial.send(order)
    assert await notifications.death() == KILLED
    assert ("notifications.delivery" in more(before, await trial.rows())) == point.stands
    await trial.begin("notifications")
    await trial.sent_until_answered(order)
    await trial.rests()
    grown = more(before, await trial.rows())
    assert grown["notifications.sign_in_code"] == grown["notifications.message"] == grown["notifications.delivery"] == 1


# What consumers leave word of, what is pruned, and what is restored


@points(Passer.LANE, "consumer.before_word", "consumer.after_word")
@each(("service", "source"), LANES)
async def test_a_consumer_killed_around_its_word_leaves_it_after_all(
    trial: Trial, point: Point, service: str, source: str
) -> None:
    await trial.done(await NEWS[source](trial))
    await trial.rests()
    await trial.lives[service].die_at(f"{point.name}@{source}")
    assert await trial.lives[service].death() == KILLED
    await trial.begin(service)
    await trial.rests_with_every_word_left()


@points(Passer.FENCE)
async def test_a_fence_killed_half_way_is_finished_by_the_next(trial: Trial, point: Point) -> None:
    """Only what a stream and an outbox hold matters to the fence, so that one source stands for all."""
    aid = trial.lives["aid_distribution"]
    await trial.rests()
    await aid.kill()
    async with trial.restored_to_now("aid_distribution"):
        await trial.begin("aid_distribution")
        await trial.done(await receive_stock(trial))
        await trial.rests()
        await aid.kill()
    await aid.begin(point.name)
    assert await aid.death() == KILLED
    await trial.begin("aid_distribution")
    await trial.done(await receive_stock(trial))
    await trial.rests()


@points(Passer.PRUNER)
@each("source", [service.name for service in SERVICES])
async def test_pruning_killed_half_way_is_finished_by_the_next(trial: Trial, point: Point, source: str) -> None:
    await trial.has_something_to_prune(source, NEWS[source])
    await trial.lives[source].begin(point.name)
    assert await trial.lives[source].death() == KILLED
    await trial.begin(source)
    await wait_until(lambda: trial.is_pruned(source), description="everything old to be pruned")
    await trial.rests()


@points(Passer.LANE, "consumer.late_start")
@each(("service", "source"), LANES)
async def test_a_consumer_killed_as_it_begins_behind_pruned_history_goes_on_from_there(
    trial: Trial, point: Point, service: str, source: str
) -> None:
    await trial.has_something_to_prune(source, NEWS[source])
    await trial.begin(source)
    await wait_until(lambda: trial.is_pruned(source), description="everything old to be pruned")
    await trial.rests()
    await trial.lives[service].kill()
    await trial.forgets_its_position(service, source)
    await trial.lives[service].begin(f"{point.name}@{source}")
    assert await trial.lives[service].death() == KILLED
    await trial.begin(service)
    await trial.rests()
