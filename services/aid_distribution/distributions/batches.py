"""Batches from devices that were offline: in any order, each entry perhaps twice, by a clock that may be off by days.

An entry is known by the id that the device made. It becomes a distribution once, whoever sends it and however often:
sent again it is answered with what it became. What a rule stands against has happened all the same: it is parked as an
exception, and tried again when it is sent again. What was to come out of a reservation that is gone comes out of
the free goods (`happened`). What is refused is put wrongly, became nothing and may be sent again. One entry that is
wrong loses none of the others.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

import msgspec

from services.aid_distribution.distributions import batch_store, parked
from services.aid_distribution.distributions.batch_rules import EntryIdReused, in_order, problem_of
from services.aid_distribution.distributions.batch_store import Claim, DistributionBatchRow, Entered
from services.aid_distribution.distributions.handlers import here_of
from services.aid_distribution.distributions.happened import notes_of, post_happened
from services.aid_distribution.distributions.orders import DistributionView, PostDistribution
from services.aid_distribution.distributions.within_limits import Facts
from services.aid_distribution.exceptions.store import ExceptionRow
from services.aid_distribution.ledger.device_clock import DeviceClock
from services.aid_distribution.ledger.orders import Moment, Order
from shared.caller import Caller
from shared.clock import shown
from shared.database import Work
from shared.problems import FieldError, Invalid, Refusal
from shared.routes import Asked
from shared.validation import Misshapen, read_value

ENTRIES_MAX = 500
POSTED, DUPLICATE, PARKED, REFUSED = "posted", "duplicate", "parked", "refused"

Device = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9.:_\-]*$(?!\n)", examples=["HP-19.71-03"]
    ),
]
EXAMPLE = {
    "id": "01a20484-04c5-7247-b6a5-f22cd6872b1b",
    "programme": "free-masks",
    "place": "WH-19.71",
    "occurred_at": "2020-09-14T09:00:00+07:00",
    "lines": [{"item": "MASK-CLOTH", "quantity": 100}],
    "recipients": {"public": 100},
}
RawEntry = Annotated[
    dict[str, Any],
    msgspec.Meta(
        description="A distribution as it is posted by itself, with an `id` of its own (a UUIDv7 made on the device)."
        " It is looked at by itself, so a wrong one is answered in its place and spoils no other.",
        examples=[EXAMPLE],
    ),
]


class SendBatch(Order, frozen=True, kw_only=True):
    """What a device has kept while it was offline; `sent_at` is what its clock says when it sends.

    Each try says its own `sent_at`: the same body two days later would be taken for a clock that is two days behind.
    The same Idempotency-Key stands for all of these tries, and an entry is known by its id without one as well.
    """

    anew: ClassVar[tuple[str, ...]] = ("sent_at",)

    device: Device
    sent_at: Moment
    entries: Annotated[list[RawEntry], msgspec.Meta(min_length=1, max_length=ENTRIES_MAX)]


class BatchEntry(PostDistribution, frozen=True, kw_only=True):
    """A distribution that was entered on a device."""

    id: UUID


class EntryOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one entry: `posted`, `duplicate` of one that was posted, `parked` or `refused` with the problem.

    Shape: `told_at` is what the device's clock said, `occurred_at` what was entered; of a duplicate, the first time.
           `exception_id` is where it is parked, `note` says what was done otherwise than it was told
    """

    index: int
    id: UUID | None
    state: str
    distribution_id: UUID | None = None
    number: str | None = None
    exception_id: UUID | None = None
    told_at: datetime | None = None
    occurred_at: datetime | None = None
    note: str | None = None
    problem: dict[str, Any] | None = None


class BatchView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch; one outcome for each entry, in the order in which they were sent."""

    id: UUID
    device: str
    arrived_at: datetime
    clock_behind_seconds: int
    clock_corrected: bool
    posted: int
    duplicates: int
    parked: int
    refused: int
    entries: list[EntryOutcome]


@dataclass(slots=True)
class _Told:
    """One entry on its way: as it was told, dated by a good clock, and what became of it."""

    index: int
    id: UUID | None
    told_at: datetime | None = None
    order: BatchEntry | None = None
    digest: bytes = b""
    exception: ExceptionRow | None = None
    outcome: EntryOutcome | None = None


async def post_batch(work: Work, caller: Caller, body: SendBatch) -> BatchView:
    """Enter what a device has kept, by the time at which it happened, each entry with an outcome of its own."""
    clock = DeviceClock(body.sent_at, work.now)
    told = await _read(work, caller, body.entries, clock)
    row = DistributionBatchRow(
        id=work.new_id(),
        device=body.device,
        actor=caller.subject,
        sent_at=body.sent_at,
        arrived_at=work.now,
        behind_seconds=clock.behind_seconds,
    )
    work.session.add(row)
    await work.session.flush()
    first = _first_of_each([one for one in told if one.outcome is None])
    await _enter(work, caller, row, await _claim(work, caller, row, first))
    _answer_repeated(told, first)
    outcomes = [one.outcome for one in told if one.outcome is not None]
    states = [outcome.state for outcome in outcomes]
    row.posted, row.duplicates = states.count(POSTED), states.count(DUPLICATE)
    row.parked, row.refused = states.count(PARKED), states.count(REFUSED)
    await work.session.flush()
    return BatchView(
        id=row.id,
        device=row.device,
        arrived_at=shown(row.arrived_at),
        clock_behind_seconds=row.behind_seconds,
        clock_corrected=clock.off,
        posted=row.posted,
        duplicates=row.duplicates,
        parked=row.parked,
        refused=row.refused,
        entries=outcomes,
    )


async def _read(work: Work, caller: Caller, entries: Sequence[Mapping[str, Any]], clock: DeviceClock) -> list[_Told]:
    told: list[_Told] = []
    wrong: list[tuple[_Told, Misshapen]] = []
    for index, raw in enumerate(entries):
        try:
            entry = read_value(raw, BatchEntry)
        except Misshapen as fault:
            entry_id = (fault.leaves or {}).get("/id")
            told.append(one := _Told(index, entry_id if isinstance(entry_id, UUID) else None))
            wrong.append((one, fault))
        else:
            order = msgspec.structs.replace(entry, occurred_at=clock.corrected(entry.occurred_at))
            told.append(_Told(index, entry.id, entry.occurred_at, order, _digest(entry)))
    await _refuse_misshapen(work, caller, wrong, clock)
    return told


def _digest(entry: BatchEntry) -> bytes:
    same = msgspec.structs.replace(entry, occurred_at=entry.occurred_at.astimezone(UTC))
    told = msgspec.to_builtins(same)
    if same.reservation is None:
        del told["reservation"]  # entries that came before there were reservations are known by the same digest
    return hashlib.sha256(msgspec.json.encode(told)).digest()


async def _refuse_misshapen(
    work: Work, caller: Caller, wrong: Sequence[tuple[_Told, Misshapen]], clock: DeviceClock
) -> None:
    """Refuse entries of the wrong shape, each with everything else that is wrong with it too."""
    leaves = [dict(fault.leaves or {}) for _, fault in wrong]
    for values in leaves:
        if isinstance(told_at := values.get("/occurred_at"), datetime):
            values["/occurred_at"] = clock.corrected(told_at)
    here = await here_of(work, leaves) if wrong else None
    for (one, fault), values in zip(wrong, leaves, strict=True):
        known = {error.pointer for error in fault.errors}
        rules: list[FieldError] = here.mistakes(values, caller, work.now) if here else []
        more = [error for error in rules if not any(pointer.startswith(error.pointer) for pointer in known)]
        one.outcome = _not_entered(one, Invalid([*fault.errors, *more], fault.detail))


def _first_of_each(told: Sequence[_Told]) -> dict[UUID, _Told]:
    first: dict[UUID, _Told] = {}
    for one in told:
        if one.id is not None:
            first.setdefault(one.id, one)
    return first


async def _claim(
    work: Work, caller: Caller, row: DistributionBatchRow, first: Mapping[UUID, _Told]
) -> list[tuple[_Told, UUID]]:
    """Claim the entries that are new or parked, and answer those that came before.

    What is parked is locked before its entry is claimed, as whoever applies it does; and asked for once more after it,
    since another batch may have parked it while we waited for the claim.
    """
    await _find_parked(work, caller, first)
    claims = [
        Claim(entry_id, work.new_id(), one.digest, one.told_at)
        for entry_id, one in first.items()
        if one.told_at and one.outcome is None
    ]
    ours = await batch_store.claim(work.session, row.id, caller.subject, claims)
    before = await batch_store.entered(work.session, {claim.id for claim in claims} - ours)
    for entry_id, entered in before.items():
        first[entry_id].outcome = _came_before(first[entry_id], entered, caller)
    await _find_parked(work, caller, {entry_id: first[entry_id] for entry_id in ours})
    return [(first[claim.id], claim.distribution_id) for claim in claims if claim.id in ours]


async def _find_parked(work: Work, caller: Caller, told: Mapping[UUID, _Told]) -> None:
    """Find which entries are parked, and answer those that somebody has dropped or that are others by the same id."""
    for entry_id, row in (await parked.of_entries(work.session, told)).items():
        one = told[entry_id]
        one.exception = row
        if row.digest != one.digest or not caller.sees(row.region):
            one.outcome = _not_entered(one, EntryIdReused("Make a new id for a new entry."))
        elif refusal := parked.dropped(row):
            one.outcome = _not_entered(one, refusal)
        elif one.order is not None:  # by the clock of the first time: the device's may be another one now
            one.order = msgspec.structs.replace(one.order, occurred_at=row.occurred_at)


def _came_before(one: _Told, entered: Entered, caller: Caller) -> EntryOutcome:
    if entered.digest != one.digest or not caller.sees(entered.region):
        return _not_entered(one, EntryIdReused("Make a new id for a new entry."))
    return EntryOutcome(
        index=one.index,
        id=one.id,
        state=DUPLICATE,
        distribution_id=entered.distribution_id,
        number=entered.number,
        told_at=shown(entered.told_at),
        occurred_at=shown(entered.occurred_at),
        note=entered.note,
    )


async def _enter(work: Work, caller: Caller, row: DistributionBatchRow, ours: Sequence[tuple[_Told, UUID]]) -> None:
    """Post the entries that are ours, in the order in which they happened; what was not entered is given up."""
    orders = [(one, one.order, new_id) for one, new_id in ours if one.order is not None and one.outcome is None]
    ordered = [orders[place] for place in in_order([order.occurred_at for _, order, _ in orders])]
    asked: list[Asked[PostDistribution]] = [Asked(order, caller) for _, order, _ in ordered]
    facts = Facts()
    outcomes = await _post(work, asked, [new_id for *_, new_id in ordered], facts)
    came = list(zip([one for one, _, _ in ordered], outcomes, strict=True))
    await _park(
        work, caller, row, [(one, fault) for one, fault in came if isinstance(fault, Refusal) and parked.parks(fault)]
    )
    others = [(one.exception, fault) for one, fault in came if one.exception and not parked.parks(fault)]
    await parked.note_refused(work, [(row, fault) for row, fault in others if isinstance(fault, Refusal)])
    entered = [(one, outcome) for one, outcome in came if not isinstance(outcome, Refusal)]
    await parked.note_entered(work, caller, [(one.exception, view) for one, view in entered if one.exception])
    notes = notes_of([view for _, view in entered], facts)
    await batch_store.note(work.session, notes)
    for one, outcome in came:
        one.outcome = (
            _not_entered(one, outcome, parked=one.exception is not None)
            if isinstance(outcome, Refusal)
            else _entered(one, outcome, notes.get(outcome.id))
        )
    if given_up := [one.id for one, _ in ours if one.id and one.outcome and one.outcome.state != POSTED]:
        await batch_store.give_up(work.session, given_up)


async def _park(
    work: Work, caller: Caller, row: DistributionBatchRow, refused: Sequence[tuple[_Told, Refusal]]
) -> None:
    """Park what a rule stands against, each entry once however often it is sent."""
    entries = [
        parked.ParkedEntry(
            order=as_posted(one.order),
            refusal=fault,
            entry_id=one.order.id,
            digest=one.digest,
            batch_id=row.id,
            told_at=one.told_at,
            exception=one.exception,
        )
        for one, fault in refused
        if one.order and one.told_at
    ]
    kept = await parked.park_entries(work, caller, entries)
    for (one, _), exception in zip(refused, kept, strict=True):
        one.exception = exception


def as_posted(entry: BatchEntry) -> PostDistribution:
    """Give the distribution that an entry is."""
    return PostDistribution(**{name: getattr(entry, name) for name in PostDistribution.__struct_fields__})


async def _post(
    work: Work, asked: Sequence[Asked[PostDistribution]], ids: Sequence[UUID], facts: Facts
) -> Sequence[DistributionView | Refusal]:
    """Post entries together; when one of them spoils that, each by itself."""
    if not asked:
        return ()
    recorded = len(work.recorded)
    try:
        async with work.session.begin_nested():
            return await post_happened(work, asked, ids, facts)
    except Refusal as fault:
        del work.recorded[recorded:]
        if len(asked) == 1:
            return [fault]
    return [
        outcome for one, new_id in zip(asked, ids, strict=True) for outcome in await _post(work, [one], [new_id], facts)
    ]


def _entered(one: _Told, view: DistributionView, note: str | None) -> EntryOutcome:
    return EntryOutcome(
        index=one.index,
        id=one.id,
        state=POSTED,
        distribution_id=view.id,
        number=view.number,
        told_at=shown(one.told_at) if one.told_at else None,
        occurred_at=view.occurred_at,
        note=note,
    )


def _not_entered(one: _Told, refusal: Refusal, *, parked: bool = False) -> EntryOutcome:
    """Answer for an entry that cannot be entered: the one place that decides what becomes of it.

    What a rule stands against is parked, and stays so whatever stands against it when it is sent again; nothing is kept
    of what is put wrongly: the device keeps it until somebody has put it right.
    """
    return EntryOutcome(
        index=one.index,
        id=one.id,
        state=PARKED if parked else REFUSED,
        exception_id=one.exception.id if parked and one.exception else None,
        told_at=shown(one.told_at) if one.told_at else None,
        occurred_at=shown(one.order.occurred_at) if one.order else None,
        problem=dict(problem_of(refusal)),
    )


def _answer_repeated(told: Sequence[_Told], first: Mapping[UUID, _Told]) -> None:
    """Answer the entries that stand in the batch a second time."""
    for one in told:
        if one.outcome is None and one.id is not None and (origin := first[one.id].outcome):
            if one.digest != first[one.id].digest:
                one.outcome = _not_entered(one, EntryIdReused("It stands twice in this batch, with two contents."))
            else:
                state = DUPLICATE if origin.state == POSTED else origin.state
                one.outcome = msgspec.structs.replace(origin, index=one.index, state=state)
