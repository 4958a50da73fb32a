"""The chain of each region's postings: what was changed behind the ledger's back is found, and where."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text

from services.aid_distribution.ledger import chain_audit, handlers
from services.aid_distribution.ledger.audit import Discrepancy
from services.aid_distribution.ledger.chain import (
    FORM,
    START,
    WITHOUT_PACKS,
    CountedLine,
    Head,
    Header,
    LateLine,
    OwnLine,
    PackLine,
    Said,
    following,
)
from services.aid_distribution.ledger.orders import PostingView
from shared import migrations
from shared.clock import WIB
from shared.database import Database
from shared.problems import Refusal
from shared.routes import Asked
from tests.aid_distribution.chain_story import CHANGED, lived_in
from tests.aid_distribution.story import (
    ELSEWHERE,
    MASKS,
    NOON,
    OFFICE,
    RICE,
    SOAP,
    WAREHOUSE,
    StoppedClock,
    ago,
    ask,
    audited,
    give_out,
    issue,
    plant,
    receipt,
    receive,
)

ID, COUNT = UUID(int=7), UUID(int=9)
HEADER = Header(ID, "2026-05-19.71-GR-0001", "receipt", NOON, NOON, "officer", None, "supplier", None)
LINES = [
    OwnLine(1, MASKS, "", 5, "SUPPLIER", WAREHOUSE, NOON, NOON),
    OwnLine(2, SOAP, "A", 1, "SUPPLIER", WAREHOUSE, NOON, NOON),
]
LATE = [LateLine(COUNT, item, "", 5, WAREHOUSE, "ADJUSTMENT", NOON, NOON) for item in (MASKS, SOAP)]
COUNTED = [
    CountedLine(WAREHOUSE, MASKS, "", NOON, NOON, 5, 4, None, "recount"),
    CountedLine(WAREHOUSE, SOAP, "", NOON, NOON, 5, 4, 4, "found"),
]
PACKED = [PackLine(1, MASKS, "", "BOX-50", 2, 50, 100), PackLine(2, SOAP, "A", "CRATE", 1, 12, 12)]
WHOLE = Said("19.71", HEADER, LINES, LATE, COUNTED)


# What is hashed


def test_a_posting_is_hashed_as_it_is_documented_for_ever() -> None:
    words = [1, "19.71", 1, str(ID), "2026-05-19.71-GR-0001", "receipt", NOON, NOON, "officer", None, "supplier", None]
    lines = [[list(line) for line in part] for part in (LINES, LATE, COUNTED)]
    lines[1] = [[str(COUNT), *line[1:]] for line in lines[1]]
    due = hashlib.sha256(bytes(32) + msgspec.msgpack.encode([*words, *lines])).digest()
    assert following(START, WHOLE) == Head(1, due)
    assert due.hex() == "a5c7dc11d55d737e42b03fef266ac23b21b15298bc4c7bc3b0abae97c735aebb"


def test_a_posting_of_today_is_hashed_with_its_packs_as_it_is_documented_for_ever() -> None:
    words = [2, "19.71", 1, str(ID), "2026-05-19.71-GR-0001", "receipt", NOON, NOON, "officer", None, "supplier", None]
    lines = [[list(line) for line in part] for part in (LINES, LATE, COUNTED, PACKED)]
    lines[1] = [[str(COUNT), *line[1:]] for line in lines[1]]
    due = hashlib.sha256(bytes(32) + msgspec.msgpack.encode([*words, *lines])).digest()
    today = WHOLE._replace(packs=PACKED, form=FORM)
    assert following(START, today) == Head(1, due)
    assert due.hex() == "4e2bff4da790bcad806d8a4dd380d0590f5db70acb7875aeddc65b4cac17cfd8"
    others = [
        today._replace(packs=PACKED[:1]),
        today._replace(packs=()),
        today._replace(form=WITHOUT_PACKS),
        *(today._replace(packs=[PACKED[0]._replace(**{name: 9}), PACKED[1]]) for name in PackLine._fields),
    ]
    assert len({following(START, said).hash for said in [today, *others]}) == len(others) + 1
    assert following(START, today._replace(packs=PACKED[::-1])) == Head(1, due)


def test_the_order_of_lines_and_the_zone_of_moments_say_nothing() -> None:
    shuffled = Said("19.71", HEADER, LINES[::-1], LATE[::-1], COUNTED[::-1])
    assert following(START, shuffled) == following(START, WHOLE)
    elsewhere = HEADER._replace(occurred_at=NOON.astimezone(WIB), recorded_at=NOON.astimezone(WIB))
    assert following(START, WHOLE._replace(header=elsewhere)) == following(START, WHOLE)


def test_whatever_is_changed_in_a_posting_changes_its_hash() -> None:
    others = [
        WHOLE._replace(region="19.02"),
        *(WHOLE._replace(header=HEADER._replace(**{name: "x"})) for name in Header._fields),
        *(WHOLE._replace(own=[LINES[0]._replace(**{name: 3}), LINES[1]]) for name in ("line_no", "quantity")),
        WHOLE._replace(own=[LINES[0], LINES[1]._replace(lot="B")]),
        WHOLE._replace(own=LINES[:1]),
        WHOLE._replace(own=LINES, late=LATE[:1]),
        WHOLE._replace(counted=[COUNTED[0]._replace(counted=6), COUNTED[1]]),
        WHOLE._replace(counted=[COUNTED[0]._replace(snapshot=4), COUNTED[1]]),
    ]
    hashes = {following(START, said).hash for said in [WHOLE, *others]}
    assert len(hashes) == len(others) + 1
    assert following(Head(1, START.hash), WHOLE).hash not in hashes
    assert following(Head(0, b"1" * 32), WHOLE).hash not in hashes


# Posting


async def chain_of(database: Database, region: str = "19.71") -> list[tuple[int, str]]:
    question = "SELECT chain_seq, number FROM posting WHERE region = :region ORDER BY chain_seq"
    return [(int(str(seq)), str(number)) for seq, number in await ask(database, question, region=region)]


async def test_postings_of_one_transaction_follow_one_another_in_the_chains_of_their_regions(
    database: Database,
) -> None:
    orders = [receipt(n, ago(5 - n), place=WAREHOUSE if n % 2 else ELSEWHERE) for n in range(1, 6)]
    async with database.work(OFFICE) as work:
        done = await handlers.receive(work, [Asked(order, OFFICE) for order in orders])
    numbers = [one.number for one in done if isinstance(one, PostingView)]
    assert await chain_of(database) == list(enumerate(numbers[::2], 1))
    assert await chain_of(database, "19.02") == list(enumerate(numbers[1::2], 1))
    await give_out(database, issue(1))
    heads = await ask(database, "SELECT region, last_seq FROM chain_head ORDER BY region")
    assert heads == [("19.02", 2), ("19.71", 4)]
    assert await audited(database) == []


async def test_what_is_refused_or_rolled_back_leaves_no_gap(database: Database) -> None:
    await receive(database, receipt(10, ago(2)))
    async with database.work(OFFICE) as work:
        outcomes = await handlers.issue(work, [Asked(issue(n, ago(1)), OFFICE) for n in (4, 40, 5)])
    assert [isinstance(one, Refusal) for one in outcomes] == [False, True, False]
    async with database.work(OFFICE) as work:
        await handlers.issue(work, [Asked(issue(1), OFFICE)])
        await work.session.rollback()
    await give_out(database, issue(1))
    assert [seq for seq, _ in await chain_of(database)] == [1, 2, 3, 4]
    assert await audited(database) == []


async def test_many_who_post_at_once_make_one_unbroken_chain_for_each_region(
    database: Database, other: Database
) -> None:
    """Different kinds of documents in one region meet only at the head of its chain."""
    for item in (MASKS, RICE, SOAP):
        for place in (WAREHOUSE, ELSEWHERE):
            await receive(database, receipt(100, ago(2), place=place, item=item))
    tasks = [
        asyncio.create_task(
            receive(store, receipt(1, ago(1), place=place, item=item))
            if kind
            else give_out(store, issue(1, ago(1), place=place, item=item))
        )
        for store in (database, other)
        for item in (MASKS, RICE, SOAP)
        for place in (WAREHOUSE, ELSEWHERE)
        for kind in (True, False)
    ]
    await asyncio.gather(*tasks)
    for region in ("19.71", "19.02"):
        assert [seq for seq, _ in await chain_of(database, region)] == list(range(1, 16))
    assert await audited(database) == []


@pytest.fixture
async def other(database: Database, clock: StoppedClock) -> AsyncIterator[Database]:
    """The store of a second process on the same database."""
    other = Database(database.url, database.source, partitions=database.partitions, clock=clock)
    yield other
    await other.close()


# What was changed by hand


async def test_whatever_is_changed_by_hand_breaks_the_chain_at_its_posting(
    database: Database, clock: StoppedClock
) -> None:
    await lived_in(database, clock)
    assert await audited(database) == []
    for what, (orders, due) in CHANGED.items():
        async with database.work(OFFICE) as work:
            await plant(work, *orders)
            found = await chain_audit.audit(work.session)
            await work.session.rollback()
        assert len(found) == len(due), (what, found)
        for one, (check, subject) in zip(found, due, strict=True):
            assert one.check == check, (what, found)
            assert one.subject.startswith(subject), (what, found)
    assert await audited(database) == []


async def test_a_break_is_named_with_the_region_the_number_in_the_chain_and_the_document(
    database: Database, clock: StoppedClock
) -> None:
    await lived_in(database, clock)
    ((number, before),) = await ask(
        database, "SELECT number, encode(chain_hash, 'hex') FROM posting WHERE region = '19.71' AND chain_seq = 3"
    )
    async with database.work(OFFICE) as work:
        await plant(work, "UPDATE posting SET reason = 'lost' WHERE region = '19.71' AND chain_seq = 3")
        (found,) = await chain_audit.audit(work.session)
        await work.session.rollback()
    assert (found.subject, found.found) == (f"19.71 number 3 ({number})", before)
    assert found.expected != before


async def test_a_long_chain_is_read_by_pages_and_not_every_break_is_named(database: Database) -> None:
    orders = [Asked(receipt(1, ago(1)), OFFICE) for _ in range(chain_audit.POSTINGS_PER_PAGE + 30)]
    async with database.work(OFFICE) as work:
        await handlers.receive(work, orders)
    looked: list[int] = []
    async with database.reading(OFFICE) as work:
        assert await chain_audit.audit(work.session, looked.append) == []
    assert looked == [chain_audit.POSTINGS_PER_PAGE, 30]
    async with database.work(OFFICE) as work:
        await plant(work, "UPDATE posting SET actor = 'x' WHERE chain_seq > 5000")
        *named, rest = await chain_audit.audit(work.session)
        await work.session.rollback()
    assert len(named) == chain_audit.BREAKS_MAX
    assert rest == Discrepancy(chain_audit.BROKEN, "19.71", "no break", "10 more breaks")


# What was posted before there was a chain


async def test_what_was_posted_before_is_linked_in_the_order_in_which_it_was_recorded(
    database: Database, clock: StoppedClock
) -> None:
    await lived_in(database, clock)
    question = "SELECT region, chain_seq, number FROM posting ORDER BY region, chain_seq"
    before = await ask(database, question)
    heads = await ask(database, "SELECT region, last_seq FROM chain_head ORDER BY region")
    await migrations.downgrade("aid_distribution", database.url, "0012")
    await migrations.upgrade("aid_distribution", database.url)
    assert await ask(database, question) == before
    assert await ask(database, "SELECT region, last_seq FROM chain_head ORDER BY region") == heads
    assert await ask(database, "SELECT DISTINCT chain_form FROM posting") == [(WITHOUT_PACKS,)]
    assert await audited(database) == []
    with pytest.raises(Exception, match="append-only"):
        async with database.work(OFFICE) as work:
            await work.session.execute(text("UPDATE posting SET actor = 'x'"))
    await receive(database, receipt(1, datetime(2026, 5, 20, tzinfo=UTC)))
    assert await audited(database) == []


async def test_what_was_posted_before_packs_were_hashed_still_holds_and_goes_on(
    database: Database, clock: StoppedClock
) -> None:
    await lived_in(database, clock)
    await migrations.downgrade("aid_distribution", database.url, "0015")
    async with database.reading(OFFICE) as work:  # as it is hashed then, by hand
        rows = await work.session.execute(text("SELECT chain_hash FROM posting WHERE region = '19.02'"))
        (found,) = rows.scalars()
    await migrations.upgrade("aid_distribution", database.url)
    async with database.reading(OFFICE) as work:
        ((link, said),) = await chain_audit.said_after(work.session, "19.02", 0)
    assert (link.hash, said.form, following(START, said)) == (found, WITHOUT_PACKS, link)
    assert await audited(database) == []
    await receive(database, receipt(1))
    assert await ask(database, "SELECT DISTINCT chain_form FROM posting ORDER BY 1") == [(WITHOUT_PACKS,), (FORM,)]
    assert await audited(database) == []
    async with database.work(OFFICE) as work:
        await plant(work, "UPDATE posting SET chain_form = 2 WHERE region = '19.71' AND chain_seq = 3")
        (broken,) = await chain_audit.audit(work.session)
        await work.session.rollback()
    assert broken.subject.startswith("19.71 number 3 ")
