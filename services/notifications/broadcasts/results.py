"""What became of a broadcast, person by person, as a workbook; it is read and written by the thousand."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import text

from services.notifications.broadcasts.domain import Outcome, mask_name
from services.notifications.broadcasts.store import BroadcastRow
from services.notifications.people import OWNER_PREFIX
from shared.answers import Content, saved_as
from shared.caller import Role
from shared.clock import WIB, wib_day
from shared.database import Work
from shared.privacy import mask_phone
from shared.telemetry import log

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS_AT_ONCE: Final = 1_000
ROWS_MAX: Final = 1_000_000
"""What a sheet holds; a province has fewer owners."""

SEEN_BY: Final = frozenset({Role.REGENCY_OFFICER, Role.PROVINCE_STAFF})
"""Who works with people, and so sees their names and telephones; for all others both are masked."""

HEADINGS: Final = (
    "ID pemilik", "Nama", "Telepon", "Wilayah", "Keadaan", "Saluran", "Sebab", "Percobaan", "Ditulis",
    "Diterima saluran", "Perubahan terakhir", "Dibaca",
)  # fmt: skip
STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "queued": "menunggu",
        "sending": "sedang dikirim",
        "accepted": "diterima saluran",
        "delivered": "sampai",
        "failed": "gagal",
        "unknown": "tidak pasti",
        "inbox": "kotak masuk saja",
        "withheld": "tidak diberi tahu",
    }
)
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stopped": "BERHENTI",
        "no_consent": "tidak bersedia dihubungi",
        "no_contact": "tanpa telepon dan surel",
        "preference": "pilihan sendiri",
        "digest": "ringkasan harian",
        "too_late": "lewat waktu sebelum pagi",
        "restricted": "data dibatasi",
        "erased": "data dihapus",
        "held": "data dibatasi atau dihapus",
        "refused": "ditolak saluran",
        "errors": "kesalahan saluran",
        "no_address": "tanpa alamat",
        "bad_address": "alamat salah",
        "too_old": "lewat waktu",
        "answer_lost": "jawaban hilang",
        "not_set_up": "saluran tidak ada",
        "not_delivered": "tidak sampai",
    }
)
CANCELLED: Final = "dibatalkan"

Cell = str | int | datetime | None

STRETCH = text(
    """
    SELECT r.person, r.outcome, r.reason AS why, r.at, c.name, c.phone, c.region, m.read_at,
           d.channel, d.state, d.reason, d.attempts, d.accepted_at, d.changed_at
    FROM broadcast_recipient r
    LEFT JOIN contact c ON c.owner_id = CAST(substr(r.person, 7) AS uuid)
    LEFT JOIN message m ON m.id = r.message_id
    LEFT JOIN LATERAL (
        SELECT channel, state, reason, attempts, accepted_at, changed_at FROM delivery WHERE message_id = r.message_id
        ORDER BY state IN ('accepted', 'delivered') DESC, id DESC LIMIT 1
    ) d ON true
    WHERE r.broadcast_id = :id AND r.person > :after ORDER BY r.person LIMIT :rows
    """
)


async def workbook(work: Work, row: BroadcastRow) -> Content:
    """Give a row for each person who has been taken so far: state, channel, why, and when."""
    sheet = await asyncio.to_thread(Workbook)
    masked = work.caller.role not in SEEN_BY
    after, count = "", 0
    while count < ROWS_MAX:
        asked = {"id": row.id, "after": after, "rows": ROWS_AT_ONCE}
        found = (await work.session.execute(STRETCH, asked)).all()
        if not found:
            break
        after, count = found[-1].person, count + len(found)
        rows = [_row(one, cancelled=row.state == "cancelled", masked=masked) for one in found]
        await asyncio.to_thread(sheet.write, rows)
    log.info("broadcast_results", subject=work.caller.subject, broadcast_id=str(row.id), rows=count, masked=masked)
    name = f"siaran-{row.id}-{wib_day(work.now)}.xlsx"
    return Content(await asyncio.to_thread(sheet.content), XLSX, saved_as(name))


def _row(one: Any, *, cancelled: bool, masked: bool) -> list[Cell]:
    outside = one.outcome == Outcome.OUTSIDE
    state = (one.state or "queued") if outside else one.outcome
    reason = one.reason if outside else one.why
    why = CANCELLED if cancelled and reason == "too_old" else REASONS.get(reason, reason)
    name, phone = one.name or "", one.phone or ""
    return [
        one.person.removeprefix(OWNER_PREFIX),
        mask_name(name) if masked else name,
        mask_phone(phone) if masked else phone,
        one.region,
        STATES[state],
        one.channel if outside else None,
        why,
        one.attempts,
        one.at,
        one.accepted_at,
        one.changed_at or one.at,
        one.read_at,
    ]


class Workbook:
    """A workbook with one sheet, which keeps no more than the row that is being written in memory."""

    def __init__(self) -> None:
        """Begin it with its headings."""
        import xlsxwriter  # noqa: PLC0415 - drawn in by whoever asks for a workbook

        self._buffer = BytesIO()
        # Nothing is ever worked out by a spreadsheet: a name that begins like a formula stays a word.
        never = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self._book = xlsxwriter.Workbook(self._buffer, {"constant_memory": True, **never})
        self._sheet = self._book.add_worksheet("Siaran")
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"})
        self._sheet.set_column(0, 0, 38)
        self._sheet.set_column(1, len(HEADINGS) - 1, 20)
        self._sheet.freeze_panes(1, 0)
        self._sheet.write_row(0, 0, HEADINGS, self._book.add_format({"bold": True, "bottom": 1}))
        self._rows = 1

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Add rows; a spreadsheet knows no time zones, so times are written as the local clock shows them."""
        for row in rows:
            for column, cell in enumerate(row):
                if isinstance(cell, datetime):
                    local = cell.astimezone(WIB).replace(tzinfo=None)
                    self._sheet.write_datetime(self._rows, column, local, self._moment)
                elif isinstance(cell, int):
                    self._sheet.write_number(self._rows, column, cell)
                elif cell:
                    self._sheet.write_string(self._rows, column, cell)
            self._rows += 1

    def content(self) -> bytes:
        """Close the book and give it."""
        self._book.close()
        return self._buffer.getvalue()
