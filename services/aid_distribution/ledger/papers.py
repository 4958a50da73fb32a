"""The papers of the ledger: the stock card of some days (kartu stok), and the receipt of a posting."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from services.aid_distribution.ledger.cards import posting
from services.aid_distribution.ledger.catalogue import Item, Place
from services.aid_distribution.ledger.movements import check_rows, known_shelf, movements, of_days, opening
from services.aid_distribution.ledger.orders import PostingView
from services.aid_distribution.ledger.paper import PDF, Column, Sheet
from services.aid_distribution.ledger.periods import Days, days_asked
from services.aid_distribution.ledger.verification import (
    CardClaim,
    VerifiedLine,
    VerifiedPosting,
    card_code,
    posting_code,
    printed_until,
    verified_posting,
)
from services.aid_distribution.ledger.words import (
    KINDS,
    OUTSIDE,
    REASONS,
    UNITS,
    Words,
    day_in_words,
    in_digits,
    moment_in_words,
    words_of,
)
from shared.answers import Content, saved_as
from shared.clock import WIB
from shared.problems import Absent
from shared.routes import Call

ROWS_MAX = 2_000
"""Some fifty pages: who needs more prints it in parts, or exports it."""

CARD = Words("Kartu stok", "Stock card")
CARD_COLUMNS = (
    Column(Words("Tanggal", "Date"), 19),
    Column(Words("No. bukti", "Number"), 40),
    Column(Words("Uraian", "What, from or to"), 48),
    Column(Words("Lot", "Lot"), 22),
    Column(Words("Masuk", "In"), 16, "R"),
    Column(Words("Keluar", "Out"), 16, "R"),
    Column(Words("Sisa", "Balance"), 19, "R"),
)
CARD_SIGNED = (Words("Petugas gudang", "Storekeeper"), Words("Mengetahui", "Seen by"))
RECEIPT_COLUMNS = (
    Column(Words("No.", "No."), 9, "R"),
    Column(Words("Barang", "Goods"), 54),
    Column(Words("Lot", "Lot"), 21),
    Column(Words("Dari", "From"), 28),
    Column(Words("Ke", "To"), 28),
    Column(Words("Jumlah", "Quantity"), 22, "R"),
    Column(Words("Satuan", "Unit"), 18),
)
RECEIPT_SIGNED = (
    Words("Yang menyerahkan", "Handed over by"),
    Words("Yang menerima", "Received by"),
    Words("Mengetahui", "Seen by"),
)

Rows = Iterator[tuple[Sequence[str], bool]]


class PaperQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which local (WIB) days of a card to print, both included: without `from` since the first of the month."""

    from_: date | None = msgspec.field(default=None, name="from")
    to: date | None = None


async def card_paper(call: Call, place: str, item: str, query: PaperQuery) -> Content:
    """Print a stock card; its QR code leads to what the books say of the balance on it.

    Raises: Absent (404), TooManyRows (409) for more than `ROWS_MAX`, Invalid (422) for days that make no period
    """
    work = call.work
    here, goods = await known_shelf(work, call.caller, place, item)
    days = days_asked(query.from_, query.to, work.now)
    await check_rows(work, place, item, days, ROWS_MAX)
    begins_with = await opening(work, place, item, days)
    async with aclosing(movements(work, of_days(place, item, days), at_once=ROWS_MAX + 1)) as lines:
        rows = [line async for line in lines]
    balance = begins_with + sum(line.change for line in rows)
    until = printed_until(days.ends, work.now)
    code = card_code(work.vault, CardClaim(place, item, days.first, until, balance))
    sheet = await asyncio.to_thread(Sheet, CARD, address=_address(call, code), printed_at=work.now)
    sheet.facts(_card_facts(place, here, item, goods, days))
    await asyncio.to_thread(sheet.table, CARD_COLUMNS, _card_rows(rows, begins_with, days))
    sheet.to_sign(CARD_SIGNED)
    name = f"kartu-stok-{place}-{item}-{days.first}-{days.last}.pdf"
    return Content(await asyncio.to_thread(sheet.content), PDF, saved_as(name, shown_at_once=True))


def _address(call: Call, code: str) -> str:
    return f"{call.public_url}/aid/verify/{code}"


def _card_facts(place: str, here: Place, item: str, goods: Item, days: Days) -> list[tuple[Words, str]]:
    return [
        (Words("Barang", "Goods"), f"{goods.name} ({item})"),
        (Words("Satuan", "Unit"), words_of(goods.unit, UNITS).both),
        (Words("Tempat", "Place"), f"{here.name} ({place})"),
        (Words("Masa", "Period"), f"{day_in_words(days.first)} - {day_in_words(days.last)}"),
    ]


def _card_rows(lines: Sequence[Any], balance: int, days: Days) -> Rows:
    yield (f"{days.first:%d-%m-%Y}", "", "Saldo awal / Opening balance", "", "", "", in_digits(balance)), True
    incoming = outgoing = 0
    for line in lines:
        balance += line.change
        incoming, outgoing = incoming + max(line.change, 0), outgoing + max(-line.change, 0)
        yield _card_row(line, balance), False
    totals = in_digits(incoming), in_digits(outgoing), in_digits(balance)
    yield (f"{days.last:%d-%m-%Y}", "", "Jumlah / Total", "", *totals), True


def _card_row(line: Any, balance: int) -> Sequence[str]:
    other = words_of(line.other, OUTSIDE).indonesian
    return (
        f"{line.occurred_at.astimezone(WIB):%d-%m-%Y}",
        line.number,
        f"{words_of(line.kind, KINDS).indonesian}: {other}",
        line.lot,
        in_digits(line.change) if line.change > 0 else "",
        in_digits(-line.change) if line.change < 0 else "",
        in_digits(balance),
    )


async def receipt_paper(call: Call, posting_id: UUID) -> Content:
    """Print the receipt of a posting; its QR code leads to what the books say of it. Raises Absent (404)."""
    work = call.work
    told = await posting(work, call.caller, posting_id)
    found = await verified_posting(work, told.number)
    if found is None:
        raise Absent
    address = _address(call, posting_code(work.vault, told.number))
    content = await asyncio.to_thread(_receipt, told, found, address, work.now)
    return Content(content, PDF, saved_as(f"{told.number}.pdf", shown_at_once=True))


def _receipt(told: PostingView, found: VerifiedPosting, address: str, now: datetime) -> bytes:
    sheet = Sheet(_title(told.kind), address=address, printed_at=now)
    if found.reversed_by:
        by = found.reversed_by
        sheet.notice(Words(f"DIBATALKAN oleh {by}", f"Reversed by {by}"))
    sheet.facts(_receipt_facts(told, found))
    sheet.table(RECEIPT_COLUMNS, _receipt_rows(found.lines))
    sheet.to_sign(RECEIPT_SIGNED)
    return sheet.content()


def _title(kind: str) -> Words:
    words = words_of(kind, KINDS)
    return Words(f"Bukti {words.indonesian.lower()}", f"{words.english}: receipt")


def _receipt_facts(told: PostingView, found: VerifiedPosting) -> list[tuple[Words, str]]:
    facts = [
        (Words("Nomor", "Number"), told.number),
        (Words("Kantor", "Office"), told.region),
        (Words("Tanggal", "Date"), moment_in_words(told.occurred_at)),
    ]
    if told.document:
        facts.append((Words("Dokumen", "Document"), told.document))
    if found.reverses:
        facts.append((Words("Membatalkan", "Reverses"), found.reverses))
    if told.reason:
        reason = words_of(told.reason, REASONS).both if told.reason in REASONS else told.reason
        facts.append((Words("Alasan", "Reason"), reason))
    return facts


def _receipt_rows(lines: Sequence[VerifiedLine]) -> Rows:
    for number, line in enumerate(lines, 1):
        yield (
            (
                str(number),
                f"{line.item_name} ({line.item})",
                line.lot or "",
                words_of(line.from_place, OUTSIDE).indonesian,
                words_of(line.to_place, OUTSIDE).indonesian,
                in_digits(line.quantity),
                words_of(line.unit, UNITS).indonesian,
            ),
            False,
        )
