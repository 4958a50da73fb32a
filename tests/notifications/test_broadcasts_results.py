"""The results of a broadcast as a workbook: one row a person, masked for whoever works with no people."""

import re
from datetime import datetime, timedelta
from html import unescape
from io import BytesIO
from uuid import UUID
from zipfile import ZipFile

import pytest
from sqlalchemy import text

from services.notifications.broadcasts import expanding, results
from services.notifications.contacts import handlers as contacts
from services.notifications.delivery import handlers as delivery
from services.notifications.delivery.domain import Accepted, Reason
from services.notifications.delivery.handlers import Answered
from services.notifications.giving_up import could_not_be_told
from shared.caller import Caller
from shared.clock import WIB
from shared.contracts.registration import PersonRestricted
from shared.database import Database
from tests.notifications.broadcast_story import drafted, let_go, people, person
from tests.notifications.story import AUDITOR, BELITUNG, NOON, OFFICE, Door, StoppedClock, happened

SENDER = UUID(int=1)


@pytest.fixture
async def path(door: Door, database: Database, clock: StoppedClock) -> str:
    """Four are told of it: one has got it, one said STOP, to one nobody writes, and one waits."""
    await people(database, 4)
    async with database.work(OFFICE) as work:
        await contacts.stop(work, f"owner/{person(2)}", NOON)
        await work.session.execute(
            text("UPDATE contact SET name = '=HYPERLINK(1)' WHERE owner_id = :id"), {"id": person(4)}
        )
    await happened(database, PersonRestricted(owner_id=person(3), region="19.71"))
    path = await drafted(door)
    await let_go(door, path)
    await expanding.once(database)
    clock.advance(timedelta(minutes=5))
    async with database.work(OFFICE) as work:
        # The first is what whose data are restricted was told; the second is of the broadcast.
        taken = await delivery.lease(work, SENDER, "whatsapp", rows=2)
    async with database.work(OFFICE) as work:
        attempts = await delivery.begin(work, SENDER, taken)
    async with database.work(OFFICE) as work:
        await delivery.settle(
            work, SENDER, [Answered(one, attempts[one.id], Accepted("ok")) for one in taken], could_not_be_told
        )
    return path


async def told(door: Door, path: str, caller: Caller) -> list[dict[str, str]]:
    answer = await door(caller).get(f"{path}/results")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == results.XLSX
    assert answer.headers["content-disposition"].startswith('attachment; filename="siaran-')
    return read(answer.content)


def read(content: bytes) -> list[dict[str, str]]:
    """Give the cells of each row by their column, as they are stored; moments are days since the last of 1899."""
    sheet = ZipFile(BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    cell = re.compile(r'<c r="([A-Z]+)\d+"[^>]*>(?:<is><t[^>]*>(.*?)</t></is>|<v>(.*?)</v>)</c>')
    return [
        {column: unescape(words or number) for column, words, number in cell.findall(row)}
        for row in re.findall(r"<row .*?</row>", sheet)
    ]


def days(at: datetime) -> str:
    """Give a moment as a spreadsheet stores it, by the clock here."""
    local = at.astimezone(WIB).replace(tzinfo=None)
    return f"{(local - datetime(1899, 12, 30)) / timedelta(days=1):.16G}"  # noqa: DTZ001  a spreadsheet knows no zones


async def test_each_person_has_a_row_with_state_channel_why_and_times(door: Door, path: str) -> None:
    headings, first, stopped, restricted, waiting = await told(door, path, OFFICE)
    assert tuple(headings.values()) == results.HEADINGS
    later = days(NOON + timedelta(minutes=5))
    assert first == {
        "A": str(person(1)), "B": "Pemilik 1", "C": "+6283400000001", "D": "19.71", "E": "diterima saluran",
        "F": "whatsapp", "H": "1", "I": days(NOON), "J": later, "K": later,
    }  # fmt: skip
    assert (stopped["E"], stopped.get("F"), stopped["G"]) == ("kotak masuk saja", None, "BERHENTI")
    assert (restricted["E"], restricted.get("F"), restricted["G"]) == ("tidak diberi tahu", None, "data dibatasi")
    assert (waiting["B"], waiting["E"], waiting["F"]) == ("=HYPERLINK(1)", "menunggu", "whatsapp")


async def test_what_begins_like_a_formula_is_no_formula(door: Door, path: str) -> None:
    content = (await door(OFFICE).get(f"{path}/results")).content
    assert b"<f>" not in ZipFile(BytesIO(content)).read("xl/worksheets/sheet1.xml")


async def test_an_auditor_sees_nobody_by_name_and_another_region_sees_nothing(door: Door, path: str) -> None:
    rows = await told(door, path, AUDITOR)
    assert (rows[1]["B"], rows[1]["C"]) == ("P*** 1***", "+62********001")
    assert (await door(BELITUNG).get(f"{path}/results")).status_code == 404


async def test_what_was_cancelled_says_so(door: Door, path: str, database: Database) -> None:
    await door(OFFICE).post(f"{path}/cancellation", json={"reason": "Salah"})
    async with database.work(OFFICE) as work:
        await delivery.sweep(work, could_not_be_told)
    rows = await told(door, path, OFFICE)
    assert (rows[4]["E"], rows[4]["F"], rows[4]["G"]) == ("gagal", "whatsapp", "dibatalkan")


def test_every_reason_has_its_words() -> None:
    assert {reason.value for reason in Reason} <= results.REASONS.keys()
