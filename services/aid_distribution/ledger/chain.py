"""The hash chain of a region's postings: each holds the hash of all that it says and of the posting before it.

Who changes, removes, adds or swaps anything in the journal must make every later posting of the region anew, and even
that is seen by whoever has kept a head outside. What a posting says is its header, its own lines, the lines that later
counts got because of it, what it counted, and which of its lines were told in packs.

Shape:  hash = SHA-256(hash before || MessagePack of [form, region, number in the chain, id, document number, kind,
        occurred, recorded, actor, document, reason, reverses, own lines, lines at later counts, counted,
        packs]); moments are timestamps of MessagePack, ids text, what is not there nil; a line is an array of its
        fields as named below. Form 1, of postings from before, ends without the packs
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.domain import NO_LOT
from services.aid_distribution.ledger.store import Posted

WITHOUT_PACKS, FORM = 1, 2
"""The first thing that is hashed: what is posted now says more than what was before, which stays as it is."""

HASH_BYTES = 32


class Head(NamedTuple):
    """Where a chain has come to: the number of its last posting, and that posting's hash."""

    seq: int
    hash: bytes


START = Head(0, bytes(HASH_BYTES))
"""What the first posting of a region follows."""


class OwnLine(NamedTuple):
    """A line of the posting itself."""

    line_no: int
    item: str
    lot: str
    quantity: int
    from_place: str
    to_place: str
    occurred_at: datetime
    recorded_at: datetime


class LateLine(NamedTuple):
    """A line that a later count got because of the posting; it has no number of its own that is known beforehand."""

    count_id: UUID
    item: str
    lot: str
    quantity: int
    from_place: str
    to_place: str
    occurred_at: datetime
    recorded_at: datetime


class CountedLine(NamedTuple):
    """What was counted on one card."""

    place: str
    item: str
    lot: str
    occurred_at: datetime
    recorded_at: datetime
    counted: int
    book: int
    snapshot: int | None
    reason: str


class PackLine(NamedTuple):
    """A line that was told in packs; the first of the posting has the number 1."""

    entry_no: int
    item: str
    lot: str
    pack: str
    packs: int
    per_pack: int
    quantity: int


class Header(NamedTuple):
    """What a posting says of itself."""

    id: UUID
    number: str
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    document: str | None
    reason: str | None
    reverses: UUID | None


class Said(NamedTuple):
    """All that one posting says, in whatever order its lines come."""

    region: str
    header: Header
    own: Sequence[OwnLine]
    late: Sequence[LateLine] = ()
    counted: Sequence[CountedLine] = ()
    packs: Sequence[PackLine] = ()
    form: int = WITHOUT_PACKS


def following(head: Head, said: Said) -> Head:
    """Give the head after one more posting."""
    packs = () if said.form == WITHOUT_PACKS else (sorted(said.packs),)
    words = (
        said.form,
        said.region,
        head.seq + 1,
        *said.header,
        sorted(said.own),
        sorted(said.late),
        sorted(said.counted, key=lambda line: line[:5]),
        *packs,
    )
    return Head(head.seq + 1, sha256(head.hash + msgspec.msgpack.encode(words)).digest())


def said_by(posted: Posted) -> Said:
    """Give what a posting says that is about to be written."""
    draft, recorded_at = posted.draft, posted.recorded_at
    header = Header(
        draft.id,
        posted.number,
        draft.kind,
        draft.occurred_at,
        recorded_at,
        draft.actor,
        draft.document,
        draft.reason,
        draft.reverses,
    )
    own = [
        OwnLine(
            number,
            line.item,
            line.lot or NO_LOT,
            line.quantity,
            line.from_place,
            line.to_place,
            draft.occurred_at,
            recorded_at,
        )
        for number, line in enumerate(posted.lines, 1)
    ]
    late = [
        LateLine(
            count.posting_id,
            line.item,
            line.lot or NO_LOT,
            line.quantity,
            line.from_place,
            line.to_place,
            count.occurred_at,
            count.recorded_at,
        )
        for count, line in posted.taken_up
    ]
    counted = [
        CountedLine(
            *one.counted.key,
            draft.occurred_at,
            recorded_at,
            one.counted.quantity,
            one.book,
            one.counted.snapshot,
            one.counted.reason,
        )
        for one in posted.entered.differences
    ]
    packs = [
        PackLine(number, one.item, one.lot or NO_LOT, one.pack, one.packs, one.per_pack, one.packs * one.per_pack)
        for number, one in enumerate(draft.packs, 1)
    ]
    return Said(draft.region, header, own, late, counted, packs, FORM)


def linked(posted: Iterable[Posted], heads: dict[str, Head]) -> list[Head]:
    """Link postings to the chains of their regions, one after the other; gives the place of each in its chain.

    Shape: `heads` are those before, by region, and then those after
    """
    links = []
    for one in posted:
        region = one.draft.region
        heads[region] = following(heads[region], said_by(one))
        links.append(heads[region])
    return links
