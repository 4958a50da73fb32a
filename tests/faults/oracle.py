"""What must be true of an installation at rest, asked of the three databases and of Redis; gives every violation.

It knows nothing of how the backbone works, only what it promises: every event stands once, took effect once in each
service that listens, and the balances are what the journal says. It must be shown to see: `test_oracle.py` plants
errors by hand.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import UUID

import asyncpg
import msgspec
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from sqlalchemy.engine import make_url

from shared.caller import sees
from shared.contracts import EVENTS, SUBSCRIPTIONS, Event
from shared.contracts.aid_distribution import (
    AlertRaised,
    DistributionPosted,
    DistributionVoided,
    ExceptionChanged,
    ExceptionOpened,
    ExceptionOverdue,
    KitsRefused,
    KitsReleased,
    KitsReserved,
    MarketAnnounced,
    MarketCancelled,
    MarketSold,
    PriceAlert,
    ProductionAccepted,
    ProductionDeclined,
    ProductionDelivered,
    ProductionEvent,
    ProductionOffered,
    ProductionPaid,
    ProductionTakenBack,
    ReturnVoided,
    StationBroken,
    StationDry,
    StationReported,
    StockAlert,
    StockExpiring,
    StockLow,
    StockOut,
    StockReceived,
    StockRestated,
    StockReturned,
    TransferDispatched,
    TransferReceived,
)
from shared.contracts.notifications import MessageDelivered, MessageFailed
from shared.contracts.registration import (
    BusinessChanged,
    BusinessClosed,
    BusinessMerged,
    BusinessRegistered,
    CertificateIssued,
    CertificateRevoked,
    ConsentChanged,
    OwnerChanged,
    OwnerRegistered,
    PersonErased,
    SeatAccepted,
    SeatExpired,
    SeatOffered,
    SeatWaitlisted,
    SeatWithdrawn,
    SurveyAnswered,
    SurveyOpened,
    TrainingAnnounced,
    TrainingCancelled,
    TrainingMoved,
)
from shared.settings import SERVICES
from shared.stream import LOST, connect

TIMEOUT_SECONDS = 10
ERASED = "(dihapus)"
"""What stands in the place of the name of a person who was erased."""

Told = tuple[str, str, str]
"""A fact, a person and a purpose: one message."""

Staff = Sequence[tuple[str, str]]
"""The subject of each member of staff, with a region that they serve."""

KEEPERS_ARE_TOLD: Mapping[type[Event], str] = {
    StockReceived: "stock_in",
    StockRestated: "restated",
    StockLow: "stock_low",
    StockOut: "stock_out",
    StockExpiring: "stock_expiring",
    StationReported: "station_reported",
    StationDry: "station_dry",
    StationBroken: "station_broken",
    ExceptionOpened: "exception_opened",
    ExceptionOverdue: "exception_overdue",
}
"""The facts of which the staff of the very region are told, and under which purpose."""


OTHERS_ARE_TOLD: Mapping[type[Event], tuple[str, str]] = {
    TransferDispatched: ("to_region", "goods_coming"),
    TransferReceived: ("from_region", "goods_arrived"),
    KitsReserved: ("place_region", "kits_reserved"),
    KitsReleased: ("place_region", "kits_released"),
}
"""The facts of which the staff of the region that a field of theirs names are told, and under which purpose."""

OFFICES_ARE_TOLD: Mapping[type[Event], str] = {
    PriceAlert: "price_alert",
    MarketAnnounced: "market",
    MarketCancelled: "market_cancelled",
    KitsRefused: "kits_refused",
}
"""The facts of which the staff of a region and of the province around it are told, and under which purpose."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it stands in its outbox."""

    seq: int
    id: UUID
    type: str
    subject: str
    data: bytes

    @property
    def event(self) -> Event | None:
        """Give the fact; None for a tombstone, and for poison."""
        return _decoded(self.type, self.data)


@lru_cache(maxsize=20_000)  # whoever waits for rest asks again and again
def _decoded(kind: str, data: bytes) -> Event | None:
    try:
        return msgspec.msgpack.decode(data, type=EVENTS[kind])
    except (KeyError, ValueError):
        return None


@dataclass(slots=True)
class Installation:
    """One open connection to each service's database, and one to Redis.

    Shape: `history` keeps what was seen in the outboxes, for whoever looks again after they were pruned; without it
           nothing may ever be missing. `words_may_lag`: what consumers leave word of each second may be a second old
    """

    stores: Mapping[str, asyncpg.Connection]
    redis: Redis
    history: dict[str, dict[int, list["Recorded"]]] | None = None
    words_may_lag: bool = False
    outboxes: dict[str, dict[int, list[Recorded]]] = field(default_factory=dict)

    def events(self, source: str) -> Iterator[Event]:
        events = (one.event for rows in self.outboxes[source].values() for one in rows)
        return (event for event in events if event is not None)


@asynccontextmanager
async def opened(
    admin_url: str, redis_url: str, databases: Mapping[str, str] | None = None
) -> AsyncIterator[Installation]:
    """Connect to all four, as an administrator who sees everything; the databases may have names of their own."""
    async with AsyncExitStack() as stack:
        stores = {}
        for service in SERVICES:
            stores[service] = await asyncpg.connect(
                address(admin_url, (databases or {}).get(service, f"serumpun_{service}")),
                timeout=TIMEOUT_SECONDS,
                command_timeout=TIMEOUT_SECONDS,
            )
            stack.push_async_callback(stores[service].close)
        redis = connect(redis_url)
        stack.push_async_callback(redis.aclose)
        found = Installation(stores, redis)
        try:
            yield found
        finally:
            for store in found.stores.values():  # one that was put in another's place is ours to close as well
                await store.close()


def address(admin_url: str, database: str) -> str:
    """Give the administrator's address of one database, as asyncpg takes it."""
    url = make_url(admin_url).set(drivername="postgresql", database=database)
    return url.render_as_string(hide_password=False)


async def violations(found: Installation) -> list[str]:
    """Give everything that is wrong, empty when nothing is."""
    heads = {service: await heads_of(found, service) for service in SERVICES}
    wrong: list[str] = []
    for service in SERVICES:
        found.outboxes[service] = remembered(found, service, await outbox_of(found.stores[service]))
        wrong += outbox_is_dense(service, heads[service], found.outboxes[service])
        wrong += await streams_hold_the_outbox(found, service, heads[service])
        wrong += await positions_equal_the_heads(found, service, heads)
        wrong += await _nothing_is_parked(found, service)
    wrong += await _messages_are_told_once(found)
    wrong += await _businesses_are_known(found)
    wrong += await _last_words_are_kept(found)
    wrong += await _support_is_remembered(found)
    wrong += await _income_is_remembered(found)
    wrong += await _ordered_goods_are_followed(found)
    wrong += await _kits_are_answered(found)
    wrong += await _surveys_are_as_told(found)
    wrong += await _deliveries_are_reported_once(found)
    wrong += await _answers_were_true(found)
    for question, says in LEDGER.items():
        rows = await found.stores["aid_distribution"].fetch(MOVED + question)
        wrong += [says.format_map(row) for row in rows]
    return wrong


def handled_twice(lines: Iterable[Mapping[str, object]]) -> list[str]:
    """Give the events whose effects were committed twice, by the lines that each commit leaves in the log.

    The databases could hide a doubled effect behind a unique key; the log cannot.
    """
    handled = Counter(
        (line["service"], line["source"], line["partition"], line["seq"])
        for line in lines
        if line.get("event") == "event" and str(line["outcome"]).startswith("handled")
    )
    return [f"{name} took effect {count} times" for name, count in handled.items() if count > 1]


async def heads_of(found: Installation, service: str) -> dict[int, int]:
    rows = await found.stores[service].fetch("SELECT partition, last_seq FROM outbox_head ORDER BY partition")
    return {row["partition"]: row["last_seq"] for row in rows}


async def outbox_of(store: asyncpg.Connection) -> dict[int, list[Recorded]]:
    outbox: dict[int, list[Recorded]] = {}
    rows = await store.fetch("SELECT partition, seq, id, type, subject, data FROM outbox ORDER BY 1, 2")
    for partition, *one in rows:
        outbox.setdefault(partition, []).append(Recorded(*one))
    return outbox


def remembered(found: Installation, service: str, outbox: dict[int, list[Recorded]]) -> dict[int, list[Recorded]]:
    """Put before an outbox what was seen of it earlier and is pruned by now."""
    if found.history is None:
        return outbox
    before = found.history.get(service, {})
    found.history[service] = {
        partition: [*(one for one in before.get(partition, ()) if one.seq < rows[0].seq), *rows]
        for partition, rows in outbox.items()
    }
    return found.history[service]


def outbox_is_dense(service: str, heads: Mapping[int, int], outbox: Mapping[int, Sequence[Recorded]]) -> list[str]:
    return [
        f"{service}/{partition}: the outbox holds {len(outbox.get(partition, ()))} events, its head says {head}"
        for partition, head in heads.items()
        if [one.seq for one in outbox.get(partition, ())] != list(range(1, head + 1))
    ]


async def streams_hold_the_outbox(found: Installation, service: str, heads: Mapping[int, int]) -> list[str]:
    wrong = []
    for partition, head in heads.items():
        name = f"ev:{service}:{{{partition}}}"
        try:
            last = (await found.redis.xinfo_stream(name))["last-generated-id"]
        except ResponseError:
            last = b"0-0"
        if last != f"{head}-0".encode():
            wrong.append(f"{name} ends at {last.decode()}, the outbox at {head}")
            continue
        recorded = {one.seq: str(one.id).encode() for one in found.outboxes[service].get(partition, ())}
        tombstones = {one.seq for one in found.outboxes[service].get(partition, ()) if one.type == LOST}
        standing = {int(number.partition(b"-")[0]): entry[b"id"] for number, entry in await found.redis.xrange(name)}
        # A tombstone stands for whatever it meets.
        standing |= {seq: recorded[seq] for seq in standing.keys() & tombstones}
        if standing != {seq: recorded.get(seq) for seq in range(head - len(standing) + 1, head + 1)}:
            wrong.append(f"{name} holds other events than the outbox")
    return wrong


async def positions_equal_the_heads(
    found: Installation, service: str, heads: Mapping[str, Mapping[int, int]]
) -> list[str]:
    rows = await found.stores[service].fetch("SELECT source, partition, last_seq FROM checkpoint")
    positions = {(row["source"], row["partition"]): row["last_seq"] for row in rows}
    wrong = []
    for source in SUBSCRIPTIONS[service]:
        for partition, head in heads[source].items():
            position = positions.pop((source, partition), 0)
            word = await found.redis.hget(f"pos:{source}:{{{partition}}}", service)
            if position != head:
                wrong.append(f"{service} is at {position} of {source}/{partition}, whose head is {head}")
            lagging = found.words_may_lag and int(word or 0) < position
            if not lagging and (word is None or int(word) != position):
                wrong.append(f"{service} left word of {word!r} in {source}/{partition}, and is at {position}")
    return wrong + [f"{service} has a position in {lane}, which it does not consume" for lane in positions]


async def _nothing_is_parked(found: Installation, service: str) -> list[str]:
    rows = await found.stores[service].fetch("SELECT source, partition, seq, type, reason, error FROM parked")
    return [f"{service} has parked {dict(row)}" for row in rows]


FOLLOWING = "SELECT subject, unnest(regions) AS region FROM subscription"


async def _messages_are_told_once(found: Installation) -> list[str]:
    # What was withheld from people to whom nobody writes is accounted for as if it were told.
    rows = await found.stores["notifications"].fetch(
        # No event causes what answers a reply, comes with a code, is a broadcast, or tells what did not arrive; a last
        # word is written to whoever was known when their data were restricted or erased.
        "SELECT fact, person, purpose FROM message WHERE fact NOT LIKE 'reply/%' AND fact NOT LIKE 'sign-in/%'"
        " AND fact NOT LIKE 'rights/%' AND fact NOT LIKE 'broadcast/%' AND fact NOT LIKE 'message/%'"
        " UNION ALL SELECT fact, person, purpose FROM withheld"
    )
    told = Counter((row["fact"], row["person"], row["purpose"]) for row in rows)
    staff = await staff_of(found)
    registered, aid = list(found.events("registration")), list(found.events("aid_distribution"))
    due = Counter(messages_due(staff, registered, aid))
    # What told of somebody who was erased since is a tombstone that keeps its subject, and was a cause.
    lost = {one.subject for lane in found.outboxes["registration"].values() for one in lane if one.type == LOST}
    # Whoever subscribed may also be told, once, of what lies within the regions that they named.
    followed = await found.stores["notifications"].fetch(FOLLOWING)
    inside = [
        (row["subject"], region) for row in followed for region in _regions_of(aid) if sees([row["region"]], region)
    ]
    possible = due | Counter(set(messages_due([*staff, *inside], registered, aid)))
    return [f"{count} times not told: {message}" for message, count in (due - told).items()] + [
        f"{count} times told without cause: {message}"
        for message, count in (told - possible).items()
        if message[0].partition("#")[0] not in lost
    ]


def _regions_of(events: Iterable[Event]) -> set[str]:
    """Name every region that events tell of, whatever they call it."""
    names = ((event, name) for event in events for name in event.__struct_fields__ if name.endswith("region"))
    return {region for event, name in names if (region := getattr(event, name))}


async def staff_of(found: Installation) -> Staff:
    """Give who serves which region, of those whom facts concern."""
    rows = await found.stores["notifications"].fetch(
        "SELECT subject, unnest(regions) AS region FROM staff_member"
        " WHERE role IN ('regency_officer', 'province_staff')"
    )
    return [(row["subject"], row["region"]) for row in rows]


TRAINED: Mapping[type[Event], str] = {
    SeatOffered: "seat_offered",
    SeatAccepted: "seat_accepted",
    SeatExpired: "seat_expired",
    SeatWaitlisted: "seat_waitlisted",
    SeatWithdrawn: "seat_withdrawn",
    TrainingMoved: "training_moved",
    TrainingCancelled: "training_cancelled",
    CertificateIssued: "certificate_issued",
    CertificateRevoked: "certificate_revoked",
}
"""The facts of which the owners of the businesses that they name are told, and under which purpose."""

PRODUCTION = {
    ProductionOffered: "order_offered",
    ProductionPaid: "order_paid",
    ProductionTakenBack: "order_taken_back",
}


def messages_due(staff: Staff, registered: Iterable[Event], aid: Iterable[Event]) -> list[Told]:
    """Say who must have been told of what, from the events of two services alone and the list of staff."""

    def keepers(region: str) -> list[str]:
        return [f"staff/{subject}" for subject, theirs in staff if theirs == region]

    known = list(registered)
    owners = {
        event.business_id: event.owner_id for event in known if isinstance(event, BusinessRegistered | BusinessChanged)
    }
    due = [told for event in known for told in _of_registration(event, owners)]
    due += _invitations(known, owners)
    for event in aid:
        match event:
            case DistributionPosted() | DistributionVoided():
                aids, office = (
                    ("aid", "aid_office") if isinstance(event, DistributionPosted) else ("void", "void_office")
                )
                receivers = {f"owner/{owners[business]}" for business in event.businesses}
                due += [(event.subject, person, aids) for person in receivers]
                circles = [*keepers(event.region), *keepers(event.region.partition(".")[0])]
                due += [(event.subject, person, office) for person in circles]
            case (
                StockReceived()
                | StockRestated()
                | StockAlert()
                | StationReported()
                | StationDry()
                | StationBroken()
                | ExceptionOpened()
                | ExceptionOverdue()
            ):
                purpose = KEEPERS_ARE_TOLD[type(event)]
                due += [(event.matter, person, purpose) for person in keepers(event.region)]
            case AlertRaised(kind="ledger_audit" | "reserved_expires"):
                due += [(event.matter, person, event.kind) for person in keepers(event.region)]
            case ExceptionChanged() if event.owner != event.owner_before:
                named = [region for subject, region in staff if subject == event.owner]
                due += [(event.matter, f"staff/{event.owner}", "exception_yours")] * sees(named, event.region)
            case TransferDispatched() | TransferReceived() | KitsReserved() | KitsReleased():
                region, purpose = OTHERS_ARE_TOLD[type(event)]
                due += [(event.matter, person, purpose) for person in keepers(getattr(event, region))]
            case PriceAlert() | MarketAnnounced() | MarketCancelled() | KitsRefused():
                circles = {*keepers(event.region), *keepers(event.region.partition(".")[0])}
                due += [(event.matter, person, OFFICES_ARE_TOLD[type(event)]) for person in circles]
            case ProductionEvent():
                due += _of_production(event, f"owner/{owners[event.business_id]}", keepers(event.place_region))
    return due


def _invitations(registered: Iterable[Event], owners: Mapping[UUID, UUID]) -> list[Told]:
    """Say who must have been asked; an invitation may stand in a partition before the business that it is for."""
    return [
        (one.matter, f"owner/{owners[one.business_id]}", "survey")
        for one in registered
        if isinstance(one, SurveyOpened)
    ]


def _of_registration(event: Event, owners: Mapping[UUID, UUID]) -> list[Told]:
    match event:
        case BusinessRegistered():
            return [(event.subject, f"owner/{event.owner_id}", "welcome")]
        case TrainingMoved() | TrainingCancelled():
            named = event.businesses
        case _ if type(event) in TRAINED:
            named = [getattr(event, "business_id")]  # noqa: B009 - each of these has it
        case _:
            return []
    return [(event.matter, f"owner/{one}", TRAINED[type(event)]) for one in {owners[business] for business in named}]


def _of_production(event: ProductionEvent, owner: str, keepers: Sequence[str]) -> list[Told]:
    if isinstance(event, ProductionDelivered):
        return [(event.matter, person, "order_delivered") for person in keepers]
    return [(event.matter, owner, PRODUCTION[type(event)])] if type(event) in PRODUCTION else []


async def _businesses_are_known(found: Installation) -> list[str]:
    events = list(found.events("registration"))
    # An erasure leaves of what was told of a business what it is called now, and that it is closed.
    registered = {one.business_id for one in events if isinstance(one, BusinessRegistered | BusinessChanged)}
    told = (OwnerRegistered, PersonErased)  # of who was erased nothing else is told any more
    owners = {one.owner_id for one in events if isinstance(one, told)}
    return [
        f"{service}.{table}: {len(lacking)} lacking, {len(surplus)} too many"
        for service, table, column, due in (
            ("registration", "business", "id", registered),
            ("registration", "owner", "id", owners),
            ("aid_distribution", "known_business", "id", registered),
            ("notifications", "contact_business", "business_id", registered),
            ("notifications", "contact", "owner_id", owners),
        )
        for known in [{row[0] for row in await found.stores[service].fetch(f"SELECT {column} FROM {table}")}]  # noqa: S608  ours
        for lacking, surplus in [(due - known, known - due)]
        if lacking or surplus
    ]


CONSENTS = """
    SELECT DISTINCT ON (owner_id) owner_id, given FROM consent_act WHERE kind = 'contact_by_phone'
    ORDER BY owner_id, no DESC
"""


async def _last_words_are_kept(found: Installation) -> list[str]:
    """Hold what each service keeps of owners and businesses against what was last said of them."""
    owners: dict[UUID, tuple[object, ...]] = {}
    businesses: dict[UUID, tuple[object, ...]] = {}
    consents: dict[UUID, tuple[object, ...]] = {}
    for event in found.events("registration"):
        match event:
            case OwnerRegistered() | OwnerChanged():
                owners[event.owner_id] = (event.name, event.phone, event.email, event.language, event.region)
            case ConsentChanged(kind="contact_by_phone"):
                consents[event.owner_id] = (event.given,)
            case PersonErased():
                owners[event.owner_id] = (ERASED, None, None, "id", event.region)
            case BusinessRegistered() | BusinessChanged():
                businesses[event.business_id] = (event.owner_id, event.name, event.region, True)
            case BusinessClosed() | BusinessMerged():
                businesses[event.business_id] = (*businesses[event.business_id][:3], False)
    wrong = []
    for service, question, said in (
        ("registration", "SELECT id, name, phone, email, language, region FROM owner", owners),
        ("notifications", "SELECT owner_id, name, phone, email, language, region FROM contact", owners),
        (
            "registration",
            "SELECT id, owner_id, name, region, state NOT IN ('closed', 'merged') FROM business",
            businesses,
        ),
        ("aid_distribution", "SELECT id, owner_id, name, region, state <> 'closed' FROM known_business", businesses),
        ("notifications", "SELECT business_id, owner_id, name, region, trading FROM contact_business", businesses),
        ("notifications", "SELECT owner_id, given FROM contact_consent", consents),
        ("registration", CONSENTS, consents),
    ):
        kept = {key: tuple(rest) for key, *rest in await found.stores[service].fetch(question)}
        wrong += [
            f"{service} keeps {kept[key]} of {key}, the last word was {said[key]}"
            for key in kept.keys() & said.keys()
            if kept[key] != said[key]
        ]
    return wrong


async def _deliveries_are_reported_once(found: Installation) -> list[str]:
    """Hold every delivery that has come to an end against the event that says so."""
    reported = Counter(
        (event.message_id, event.channel, isinstance(event, MessageDelivered))
        for event in found.events("notifications")
        if isinstance(event, MessageDelivered | MessageFailed)
    )
    rows = await found.stores["notifications"].fetch(
        "SELECT message_id, channel, state <> 'failed' FROM delivery WHERE state IN ('accepted', 'failed')"
    )
    due = Counter(tuple(row) for row in rows)
    return [f"{count} times not reported: delivery {one}" for one, count in (due - reported).items()] + [
        f"{count} times reported without cause: delivery {one}" for one, count in (reported - due).items()
    ]


OF_A_COLLEAGUE = """
    UPDATE broadcast SET drafted_by = 'rekan', submitted_by = 'rekan', submitted_at = now(), counted = 501,
        state = 'submitted', steps = 2 WHERE id = $1
"""
SUBMITTED = """
    INSERT INTO broadcast_step (broadcast_id, no, state, by, at) VALUES ($1, 2, 'submitted', 'rekan', now())
"""


async def of_a_colleague(store: asyncpg.Connection, broadcast_id: str) -> None:
    """Let a broadcast be one to many that a colleague has written and submitted."""
    async with store.transaction():
        await store.execute("SET LOCAL session_replication_role = replica")  # who drafted it stays, else
        await store.execute(OF_A_COLLEAGUE, UUID(broadcast_id))
        await store.execute(SUBMITTED, UUID(broadcast_id))


async def text_in_doubt(store: asyncpg.Connection, owner_id: str) -> str:
    """Leave a text message to an owner in doubt, as one would be whose gateway is not set up any more; gives its name.

    No gateway takes part here: only what it tells afterwards does.
    """
    row = await store.fetchrow(
        "INSERT INTO delivery SELECT (jsonb_populate_record(d, jsonb_build_object('id', gen_random_uuid(),"
        " 'channel', 'sms', 'state', 'unknown', 'reason', 'answer_lost', 'provider_id', 'id-' || d.id))).*"
        " FROM delivery d WHERE person = $1 ORDER BY id DESC LIMIT 1 RETURNING provider_id",
        f"owner/{owner_id}",
    )
    assert row is not None, "nothing was sent to this owner"
    return str(row["provider_id"])


async def _support_is_remembered(found: Installation) -> list[str]:
    posted, voided = Counter(), set()
    for event in found.events("aid_distribution"):
        if isinstance(event, DistributionVoided):
            voided.add(event.distribution_id)
        elif isinstance(event, DistributionPosted):
            posted.update((event.distribution_id, business) for business in event.businesses)
    due = Counter({(*support, support[0] in voided): count for support, count in posted.items()})
    rows = await found.stores["registration"].fetch(
        "SELECT distribution_id, business_id, voided_at IS NOT NULL AS voided FROM support"
    )
    remembered = Counter(tuple(row) for row in rows)
    return [f"support forgotten: {one}" for one in due - remembered] + [
        f"support without cause: {one}" for one in remembered - due
    ]


async def _income_is_remembered(found: Installation) -> list[str]:
    due = Counter(
        (event.order_id, "delivery", event.delivery_no, event.amount_due_rupiah)
        if isinstance(event, ProductionDelivered)
        else (event.order_id, "payment", event.payment_no, event.amount_rupiah)
        for event in found.events("aid_distribution")
        if isinstance(event, ProductionDelivered | ProductionPaid)
    )
    rows = await found.stores["registration"].fetch("SELECT order_id, kind, no, amount_rupiah FROM income")
    remembered = Counter(tuple(row) for row in rows)
    return [f"income forgotten: {one}" for one in due - remembered] + [
        f"income without cause: {one}" for one in remembered - due
    ]


ORDER_STATES: Mapping[type[Event], str] = {
    ProductionOffered: "offered",
    ProductionAccepted: "accepted",
    ProductionDeclined: "declined",
    ProductionTakenBack: "taken_back",
}


async def _ordered_goods_are_followed(found: Installation) -> list[str]:
    """Hold the last that is known of each order, and where its goods went, against what was told of them."""
    states: dict[UUID, str] = {}
    due: Counter[tuple[UUID, str]] = Counter()
    voided: set[UUID] = set()
    for event in found.events("aid_distribution"):
        if isinstance(event, ProductionDelivered):
            states[event.order_id] = event.state
        elif isinstance(event, ProductionEvent) and type(event) in ORDER_STATES:
            states[event.order_id] = ORDER_STATES[type(event)]
        elif isinstance(event, DistributionVoided | ReturnVoided):
            voided.add(event.distribution_id if isinstance(event, DistributionVoided) else event.reverses)
        elif isinstance(event, DistributionPosted | MarketSold) or (
            isinstance(event, StockReturned) and event.direction == "from_public"
        ):
            document = event.distribution_id if isinstance(event, DistributionPosted) else event.posting_id
            for lot, quantity in ((line.lot, line.quantity) for line in event.lines if line.lot):
                due[document, lot] += quantity if lot.startswith("PO-") else 0
    store = found.stores["registration"]
    known = {row["order_id"]: row["state"] for row in await store.fetch("SELECT order_id, state FROM ordered")}
    given = await store.fetch("SELECT document_id, lot, quantity, voided_at FROM given")
    had = Counter({(row["document_id"], row["lot"]): row["quantity"] for row in given})
    marked = {row["document_id"] for row in given if row["voided_at"]}
    wrong = [f"order {one}: {known.get(one)}, not {says}" for one, says in states.items() if known.get(one) != says]
    wrong += [f"order without cause: {one}" for one in known.keys() - states.keys()]
    wrong += [f"given forgotten: {one}" for one in due - had] + [f"given without cause: {one}" for one in had - due]
    return wrong + [f"given and taken back: {one}" for one in marked ^ (voided & {row["document_id"] for row in given})]


async def _kits_are_answered(found: Installation) -> list[str]:
    """Hold what each training knows of its kits, and what is reserved for it, against what was told of it."""
    asked = {one.training_id for one in found.events("registration") if isinstance(one, TrainingAnnounced) and one.kits}
    over = {one.training_id for one in found.events("registration") if isinstance(one, TrainingCancelled)}
    last: dict[UUID, str] = {}
    answers: Counter[UUID] = Counter()
    for event in found.events("aid_distribution"):
        match event:
            case KitsReserved() | KitsRefused():
                answers[event.training_id] += 1
                last[event.training_id] = "reserved" if isinstance(event, KitsReserved) else "refused"
            case KitsReleased():
                last[event.training_id] = "released"
    rows = await found.stores["registration"].fetch("SELECT id, kits_state FROM training WHERE kits_state <> 'none'")
    known = {row["id"]: row["kits_state"] for row in rows}
    rows = await found.stores["aid_distribution"].fetch(
        "SELECT training_id FROM reservation WHERE state = 'open' AND training_id IS NOT NULL"
    )
    held = {row["training_id"] for row in rows}
    wrong = [f"kits of {one} were answered {answers[one]} times" for one in asked if answers[one] != 1]
    wrong += [
        f"{one} knows its kits as {known.get(one)}, told was {last.get(one)}"
        for one in asked
        if known.get(one) != last.get(one)
    ]
    return wrong + [f"{one} was called off and holds its kits" for one in held & over]


async def _surveys_are_as_told(found: Installation) -> list[str]:
    """Hold who was invited and what was answered against what was told of it; of each business one answer counts."""
    told = list(found.events("registration"))
    store = found.stores["registration"]
    wrong = []
    for what, question, due in (
        (
            "invitation",
            "SELECT id, business_id FROM survey_participant WHERE invited_at IS NOT NULL",
            Counter((one.participant_id, one.business_id) for one in told if isinstance(one, SurveyOpened)),
        ),
        (
            "answer",
            "SELECT id, business_id FROM survey_answer",
            Counter((one.answer_id, one.business_id) for one in told if isinstance(one, SurveyAnswered)),
        ),
    ):
        kept = Counter(tuple(row) for row in await store.fetch(question))
        wrong += [f"{what} forgotten: {one}" for one in due - kept]
        wrong += [f"{what} never told: {one}" for one in kept - due]
    rows = await store.fetch(
        "SELECT survey_id, business_id FROM survey_answer GROUP BY 1, 2"
        " HAVING count(*) FILTER (WHERE superseded_at IS NULL) <> 1"
    )
    return wrong + [f"not one answer counts: {tuple(row)}" for row in rows]


async def _answers_were_true(found: Installation) -> list[str]:
    """Hold every answer that a retry would get against what is there."""
    store = found.stores["aid_distribution"]
    there = {str(row["id"]) for row in await store.fetch("SELECT id FROM distribution")}
    answers = [
        (row["key"], msgspec.json.decode(row["body"]))
        for row in await store.fetch("SELECT key, body FROM idempotency WHERE status = 201")
    ]
    # What changes a document later, its void or its arrival, is answered with the number that it has.
    numbers = Counter(
        answer["number"] for _, answer in answers if answer.get("number") and answer.get("version", 1) == 1
    )
    return [
        f"the key {key} was answered with {answer['number']}, which is not there"
        for key, answer in answers
        if "recipients" in answer and answer["id"] not in there
    ] + [f"{number} was given to {count} keys" for number, count in numbers.items() if count > 1]


MOVED = """
    WITH moved AS (
        SELECT place, item, lot, day, sum(greatest(change, 0)) AS incoming, sum(greatest(-change, 0)) AS outgoing FROM (
            SELECT movement.place, item, lot, day, posting_id, sum(change) AS change FROM (
                SELECT to_place AS place, item, lot, (occurred_at AT TIME ZONE '-07')::date AS day, posting_id,
                       quantity AS change FROM posting_line
                UNION ALL
                SELECT from_place, item, lot, (occurred_at AT TIME ZONE '-07')::date, posting_id, -quantity
                FROM posting_line
            ) AS movement JOIN place ON place.code = movement.place AND place.kind <> 'virtual'
            GROUP BY movement.place, item, lot, day, posting_id
        ) AS posted GROUP BY place, item, lot, day
    )
"""
"""What the journal says of each card and local day: what one posting does to a card is one movement.

POSIX writes an offset east of Greenwich with a minus.
"""

LEDGER = {
    """
    SELECT place, item, lot, coalesce(on_hand, 0) AS on_hand, coalesce(journal, 0) AS journal
    FROM card FULL JOIN (
        SELECT place, item, lot, sum(incoming - outgoing) AS journal FROM moved GROUP BY place, item, lot
    ) AS summed USING (place, item, lot)
    WHERE on_hand IS DISTINCT FROM journal
    """: "{place} {item} {lot}: the card says {on_hand}, the journal {journal}",
    """
    SELECT place, item, lot, day FROM card_day FULL JOIN moved USING (place, item, lot, day)
    WHERE (card_day.incoming, card_day.outgoing) IS DISTINCT FROM (moved.incoming, moved.outgoing)
    """: "{place} {item} {lot}: the sums of {day} are not those of the journal",
    """
    SELECT place, item, lot, day FROM (
        SELECT *, lag(opening + incoming - outgoing, 1, 0::bigint)
            OVER (PARTITION BY place, item, lot ORDER BY day) AS closing_before FROM card_day
    ) AS days WHERE opening <> closing_before OR lowest < 0
    """: "{place} {item} {lot}: {day} does not begin where the day before ended",
    """
    SELECT coalesce(d.number, p.number) AS number
    FROM distribution d FULL JOIN (SELECT * FROM posting WHERE kind = 'distribution') AS p
        ON p.id = d.posting_id AND p.number = d.number
    WHERE d.id IS NULL OR p.id IS NULL
    """: "{number}: a distribution without its posting, or a posting without its distribution",
    """
    SELECT s.office, s.month, s.kind, s.last, count(number) AS given
    FROM document_series s LEFT JOIN posting p
        ON starts_with(p.number, to_char(s.month, 'YYYY-MM-') || s.office || '-' || s.kind || '-')
    GROUP BY s.office, s.month, s.kind, s.last HAVING count(number) <> s.last
    """: "{office} {month} {kind}: {last} numbers were given, {given} documents have one",
    """
    SELECT region, h.last_seq AS last, count(p.id) AS given FROM chain_head h FULL JOIN posting p USING (region)
    GROUP BY region, h.last_seq, h.last_hash
    HAVING (count(p.id), max(p.chain_seq)) IS DISTINCT FROM (h.last_seq, h.last_seq)
        OR bool_or(p.chain_hash = h.last_hash AND p.chain_seq = h.last_seq) IS NOT TRUE
    """: "{region}: the chain ends at {last}, and has {given} postings",
}
"""What must find nothing in the ledger, and what it means when it does."""
