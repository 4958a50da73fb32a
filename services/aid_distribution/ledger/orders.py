"""What may be asked of the ledger, and what it answers."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.catalogue import Category, ItemRow, PlaceKind, PlaceRow, Unit
from services.aid_distribution.ledger.domain import NO_LOT, QUANTITY_MAX, Line, LotNote, Reason, Source
from services.aid_distribution.ledger.store import Posted
from shared.clock import shown
from shared.routes import Code, RegionCode, Text

LINES_MAX = 200

Quantity = Annotated[int, msgspec.Meta(ge=1, le=QUANTITY_MAX, examples=[100])]
Count = Annotated[int, msgspec.Meta(ge=0, le=QUANTITY_MAX)]
ItemCode = Annotated[Code, msgspec.Meta(examples=["MASK-CLOTH"])]
PlaceCode = Annotated[Code, msgspec.Meta(examples=["WH-19.71"])]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
PackCode = Annotated[Code | None, msgspec.Meta(examples=[None])]
"""The pack in which a line is told; its quantity counts packs then."""

Lot = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9.\-/]*$")]


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every order may carry: the number of the paper it stands on."""

    document: Annotated[Text | None, msgspec.Meta(examples=["SJ-0142/2020"])] = None


class AddItem(Order, frozen=True, kw_only=True):
    """Make an item known."""

    code: Annotated[Code, msgspec.Meta(examples=["SARONG"])]
    name: Annotated[Text, msgspec.Meta(examples=["Sarong"])]
    unit: Annotated[Unit, msgspec.Meta(examples=["piece"])]
    category: Annotated[Category, msgspec.Meta(examples=["other"])]


class AddPlace(Order, frozen=True, kw_only=True):
    """Make a place known."""

    code: Annotated[Code, msgspec.Meta(examples=["PASAR-PAGI"])]
    name: Annotated[Text, msgspec.Meta(examples=["Pasar Pagi"])]
    kind: PlaceKind
    region: RegionCode


class AddPack(Order, frozen=True, kw_only=True):
    """Define a pack of an item: so many base units come together."""

    code: Annotated[Code, msgspec.Meta(examples=["BOX-50"])]
    name: Annotated[Text, msgspec.Meta(examples=["Dus isi 50"])]
    quantity: Annotated[int, msgspec.Meta(ge=2, le=QUANTITY_MAX, examples=[50])]


class ReceivedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods that came in; with a `pack` the quantity counts packs."""

    item: ItemCode
    quantity: Quantity
    lot: Lot | None = None
    expires_on: date | None = None
    pack: PackCode = None


class LooseLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods that leave, in base units; without a lot the earliest expiry goes first."""

    item: ItemCode
    quantity: Quantity
    lot: Lot | None = None


class GoodsLine(LooseLine, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goods that leave; with a `pack` the quantity counts packs, without a lot the earliest expiry goes first."""

    pack: PackCode = None


class ArrivedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of one item that was on its way, or of one lot of it; without a lot, of all lots that are not named.

    Shape: of what was rejected without its lot, the lots that were sent last have it
    """

    item: ItemCode
    lot: Lot | None = None
    accepted: Annotated[Count, msgspec.Meta(examples=[100])]
    rejected: Count
    reason: Reason | None = None


GoodsLines = Annotated[list[GoodsLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
LooseLines = Annotated[list[LooseLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


class ReceiveStock(Order, frozen=True, kw_only=True):
    """Goods have come into a place."""

    place: PlaceCode
    source: Source
    occurred_at: Moment
    lines: Annotated[list[ReceivedLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


class IssueStock(Order, frozen=True, kw_only=True):
    """Goods have left a place without being handed out."""

    place: PlaceCode
    reason: Annotated[Reason, msgspec.Meta(extra_json_schema={"not": {"const": Reason.FOUND.value}})]
    occurred_at: Moment
    lines: GoodsLines


class DispatchTransfer(Order, frozen=True, kw_only=True):
    """Goods are sent from one place to another; with a reservation what is sent is taken out of it."""

    from_place: Annotated[Code, msgspec.Meta(examples=["WH-PROV"])]
    to_place: PlaceCode
    occurred_at: Moment
    lines: GoodsLines
    reservation: UUID | None = None


class ReceiveTransfer(Order, frozen=True, kw_only=True):
    """Goods that were on their way have arrived."""

    occurred_at: Moment
    lines: Annotated[list[ArrivedLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


class CountedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was counted of an item, lot by lot where it lies there in lots; with a `pack` whole packs."""

    item: ItemCode
    quantity: Annotated[Count, msgspec.Meta(examples=[98])]
    lot: Lot | None = None
    reason: Reason = Reason.RECOUNT
    pack: PackCode = None


class CountStock(Order, frozen=True, kw_only=True):
    """Goods at a place have been counted; what is not named was not counted."""

    place: PlaceCode
    occurred_at: Moment
    lines: Annotated[list[CountedLine], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    snapshot: UUID | None = None


class TakeSnapshot(Order, frozen=True, kw_only=True):
    """A counting begins: of these items, or of all that lie at the place."""

    place: PlaceCode
    items: Annotated[list[ItemCode], msgspec.Meta(min_length=1, max_length=LINES_MAX)] | None = None


class ReleaseLot(Order, frozen=True, kw_only=True):
    """A lot may be handed out again."""

    item: ItemCode
    lot: Annotated[Lot, msgspec.Meta(examples=["L-2020-09"])]


class HoldLot(ReleaseLot, frozen=True, kw_only=True):
    """A lot is not to be handed out until it is released."""

    reason: Annotated[Text, msgspec.Meta(examples=["Smells of petrol"])]


class ReversePosting(Order, frozen=True, kw_only=True):
    """Undo a posting that was a mistake."""

    reason: Annotated[Text, msgspec.Meta(examples=["Counted twice"])]


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """An item."""

    id: UUID
    code: str
    name: str
    unit: str
    category: str
    version: int


class PlaceView(msgspec.Struct, frozen=True, kw_only=True):
    """A place."""

    id: UUID
    code: str
    name: str
    kind: str
    region: str
    version: int


class PackView(msgspec.Struct, frozen=True, kw_only=True):
    """A pack of an item; what it holds never changes once it was used."""

    id: UUID
    item: str
    code: str
    name: str
    quantity: int


class PackedView(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it was told: so many packs, which are so many base units."""

    item: str
    lot: str | None
    pack: str
    packs: int
    quantity: int


class PostedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it stands in the journal."""

    item: str
    quantity: int
    lot: str | None
    from_place: str
    to_place: str


class LotNoteView(msgspec.Struct, frozen=True, kw_only=True):
    """A lot that was passed over, being `held` or `expired`, or was taken though it is `expiring`."""

    item: str
    lot: str | None
    why: str
    expires_on: date | None


class PostingView(msgspec.Struct, frozen=True, kw_only=True):
    """A posting as it stands in the journal; `number` is the receipt."""

    id: UUID
    number: str
    kind: str
    region: str
    occurred_at: datetime
    recorded_at: datetime
    document: str | None
    reason: str | None
    reverses: UUID | None
    lines: list[PostedLine]
    lot_notes: list[LotNoteView]
    packs: list[PackedView]


class SnapshotView(msgspec.Struct, frozen=True, kw_only=True):
    """What the book said when a counting began."""

    id: UUID
    place: str
    taken_at: datetime
    lines: list["SnapshotLineView"]


class SnapshotLineView(msgspec.Struct, frozen=True, kw_only=True):
    """What the book said of one item and lot."""

    item: str
    lot: str | None
    on_hand: int


class CountView(msgspec.Struct, frozen=True, kw_only=True):
    """A count: from its moment on the cards hold what was counted."""

    id: UUID
    number: str
    place: str
    region: str
    occurred_at: datetime
    recorded_at: datetime
    document: str | None
    reversed_by: UUID | None
    lines: list["CountLineView"]


class CountLineView(msgspec.Struct, frozen=True, kw_only=True):
    """What a count found on one card.

    Shape:  `difference` is what counts now: `counted` less what the book says by now, all that became known of earlier
            days included; `book` is what it had said when the count was posted
    """

    item: str
    lot: str | None
    counted: int
    book: int
    snapshot: int | None
    difference: int
    reason: str
    absorbed: list["AbsorbedView"]


class AbsorbedView(msgspec.Struct, frozen=True, kw_only=True):
    """A posting that became known after the count and is dated before it: it changed the difference alone."""

    posting_id: UUID
    number: str
    quantity: int


class LotView(msgspec.Struct, frozen=True, kw_only=True):
    """A lot of an item."""

    item: str
    lot: str
    expires_on: date | None
    held: bool
    held_reason: str | None
    version: int


class TransferView(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer and how far it has come."""

    id: UUID
    number: str
    state: str
    from_place: str
    to_place: str
    occurred_at: datetime
    received_at: datetime | None
    posting_id: UUID
    receipt_posting_id: UUID | None
    void_posting_id: UUID | None
    void_reason: str | None
    document: str | None
    lines: list["TransferLineView"]
    lot_notes: list[LotNoteView]
    version: int


class TransferLineView(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent of one item and lot, and what of it was accepted."""

    item: str
    lot: str | None
    dispatched: int
    accepted: int | None
    rejected: int | None
    reason: str | None


class BalanceView(msgspec.Struct, frozen=True, kw_only=True):
    """What lies at a place: what is there, what of it is promised, what is free.

    Shape:  `packs` and `loose` say what is there in the pack that was asked for: whole ones, and units beside them
    """

    place: str
    item: str
    lot: str | None
    on_hand: int
    reserved: int
    available: int
    packs: int | None = None
    loose: int | None = None


class CardEntryView(msgspec.Struct, frozen=True, kw_only=True):
    """A movement on a card: `quantity` is positive for what came in, `balance` is what lay there after it.

    Shape:  `packs` and `loose` say the balance in the pack that was asked for: whole ones, and units beside them
    """

    occurred_at: datetime
    recorded_at: datetime
    kind: str
    quantity: int
    balance: int
    lot: str | None
    document: str
    number: str
    posting_id: UUID
    packs: int | None = None
    loose: int | None = None


def line_view(line: Line) -> PostedLine:
    """Show a line."""
    return PostedLine(
        item=line.item,
        quantity=line.quantity,
        lot=None if line.lot in (None, NO_LOT) else line.lot,
        from_place=line.from_place,
        to_place=line.to_place,
    )


def posting_view(posted: Posted) -> PostingView:
    """Show a posting."""
    draft = posted.draft
    return PostingView(
        id=draft.id,
        number=posted.number,
        kind=draft.kind,
        region=draft.region,
        occurred_at=shown(draft.occurred_at),
        recorded_at=shown(posted.recorded_at),
        document=draft.document,
        reason=draft.reason,
        reverses=draft.reverses,
        lines=[line_view(line) for line in posted.lines],
        lot_notes=lot_note_views(posted.entered.notes),
        packs=[
            PackedView(item=one.item, lot=one.lot, pack=one.pack, packs=one.packs, quantity=one.packs * one.per_pack)
            for one in draft.packs
        ],
    )


def lot_note_views(notes: Iterable[LotNote]) -> list[LotNoteView]:
    """Show what there is to know of lots, in the order of their cards."""
    return [
        LotNoteView(item=note.key.item, lot=note.key.lot or None, why=note.why, expires_on=note.expires_on)
        for note in sorted(notes, key=lambda note: (note.key, note.why))
    ]


def item_view(row: ItemRow) -> ItemView:
    """Show an item."""
    return ItemView(id=row.id, code=row.code, name=row.name, unit=row.unit, category=row.category, version=row.version)


def place_view(row: PlaceRow) -> PlaceView:
    """Show a place."""
    return PlaceView(id=row.id, code=row.code, name=row.name, kind=row.kind, region=row.region, version=row.version)
