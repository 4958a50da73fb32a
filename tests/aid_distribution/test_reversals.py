"""What may be undone: the row of cancellations that OpenLMIS tests for, one case each."""

import pytest

from services.aid_distribution.ledger import counts
from services.aid_distribution.ledger.domain import CountedSince, Reason
from services.aid_distribution.ledger.handlers import AlreadyReversed, NotReversible
from services.aid_distribution.ledger.orders import CountedLine, CountStock, PostingView, ReceivedLine, ReceiveStock
from shared.caller import Caller
from shared.database import Database
from shared.problems import Refusal
from tests.aid_distribution.story import (
    MASKS,
    NOON,
    OFFICE,
    PANGKALPINANG,
    SOAP,
    WAREHOUSE,
    ago,
    ask,
    audited,
    give_out,
    issue,
    receipt,
    receive,
    reverse,
)


async def counted(database: Database, **quantities: int) -> None:
    async with database.work(OFFICE) as work:
        lines = [CountedLine(item=item, quantity=quantity) for item, quantity in quantities.items()]
        await counts.count(work, OFFICE, CountStock(place=WAREHOUSE, occurred_at=NOON, lines=lines))


async def asked(database: Database, case: str) -> PostingView:
    """Give the posting that is to be undone."""
    match case:
        case "an adjustment":
            return await give_out(database, issue(1, ago(1), reason=Reason.RECOUNT))
        case "two lines that were counted since":
            lines = [ReceivedLine(item=item, quantity=5) for item in (MASKS, SOAP)]
            order = ReceiveStock(place=WAREHOUSE, source=receipt(1).source, occurred_at=ago(1), lines=lines)
            return await receive(database, order)
        case _:
            return await give_out(database, issue(1, ago(1)))


@pytest.mark.parametrize(
    ("case", "refusal"),
    [
        ("an issue", None),
        ("an adjustment", NotReversible),
        ("one that was reversed", AlreadyReversed),
        ("a reversal", NotReversible),
        ("one with a later count", CountedSince),
        ("two lines that were counted since", CountedSince),
    ],
)
async def test_what_may_be_undone(database: Database, case: str, refusal: type[Refusal] | None) -> None:
    await receive(database, receipt(10, ago(3)))
    done = await asked(database, case)
    if case in ("one that was reversed", "a reversal"):
        undone = await reverse(database, done.id)
        done = undone if case == "a reversal" else done
    elif case == "one with a later count":
        await counted(database, **{MASKS: 9})
    elif case == "two lines that were counted since":
        for number, (item, quantity) in enumerate(((MASKS, 15), (SOAP, 5))):
            await counted(database, **{item: quantity - number})
    before = await ask(database, "SELECT count(*) FROM posting")
    if refusal is None:
        assert (await reverse(database, done.id)).reverses == done.id
    else:
        with pytest.raises(refusal) as refused:
            await reverse(database, done.id)
        assert await ask(database, "SELECT count(*) FROM posting") == before
        if refusal is CountedSince:
            numbers = await ask(database, "SELECT number FROM posting WHERE kind = 'count' ORDER BY number")
            assert sorted(map(str, refused.value.members["numbers"])) == [number for (number,) in numbers]  # type: ignore[arg-type]
    assert await audited(database) == []


@pytest.mark.parametrize(
    ("caller", "days", "refused"), [(PANGKALPINANG, 30, []), (PANGKALPINANG, 31, ["too_far_back"]), (OFFICE, 31, [])]
)
async def test_a_role_undoes_what_it_might_have_dated_so_and_nothing_older(
    database: Database, caller: Caller, days: int, refused: list[str]
) -> None:
    done = await receive(database, receipt(10, ago(days)))
    told: list[object] = []
    try:
        assert (await reverse(database, done.id, caller)).reverses == done.id
    except NotReversible as refusal:
        told.append(refusal.members["reason"])
    assert told == refused
    assert await audited(database) == []
