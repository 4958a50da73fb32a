"""What a batch of the queue costs does not grow with the queue: the rows that each statement touches are counted."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import TextClause, text

from benchmarks import queued
from services.notifications.delivery import store
from services.notifications.delivery.domain import LEASE
from services.notifications.plans import Lane
from shared.database import Database, Work
from tests.notifications.story import NOON

BATCH = 200
TOUCHED_MAX = 2_000
"""Ten looks for each row: a short table is read as a whole where that is cheaper than its index."""

SMS = "sms"
FEW = 1_000
PLAN = "EXPLAIN (ANALYZE, FORMAT JSON) "


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


async def explained(work: Work, statement: TextClause, asked: dict[str, object]) -> tuple[int, set[str]]:
    """Run a statement; gives how many rows its scans of tables have touched, and over which indexes."""
    found = (await work.session.execute(text(PLAN + statement.text), asked)).scalar_one()
    (plan,) = msgspec.json.decode(found) if isinstance(found, str) else found
    touched, indexes = 0, set[str]()
    for node in nodes(plan["Plan"]):
        if node.get("Relation Name") == "delivery" and node["Node Type"] != "ModifyTable":
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            touched += int(rows * node["Actual Loops"])
            indexes.add(node.get("Index Name", node["Node Type"]))
        elif node["Node Type"] == "Bitmap Index Scan":
            indexes.add(node["Index Name"])
    return touched, indexes


@pytest.mark.parametrize("count", [FEW, 100_000])
async def test_a_batch_of_a_long_queue_touches_no_more_than_one_of_a_short(database: Database, count: int) -> None:
    await queued.queue(database, count, SMS, NOON)
    sender, now, until = uuid4(), NOON, NOON + LEASE
    lanes = sorted(int(lane) for lane in Lane)
    found: dict[str, tuple[int, set[str]]] = {}
    async with database.work(queued.HERE) as work:
        lease = {"sender": sender, "channel": SMS, "lanes": lanes, "now": now, "until": until, "rows": BATCH}
        found["lease"] = await explained(work, store.LEASE, lease)
        leased = text("SELECT id FROM delivery WHERE leased_by = :sender")
        ids = list((await work.session.execute(leased, {"sender": sender})).scalars())
        assert len(ids) == BATCH
        begin = {"ids": ids, "sender": sender, "now": now, "until": until}
        found["begin"] = await explained(work, store.BEGIN, begin)
        found["settle"] = await explained(work, store.SETTLE, {"sender": sender, "now": now} | accepted(ids))
        sweep = {"now": now, "rows": BATCH}
        found["doubt"] = await explained(work, store.DOUBT, sweep | {"keyed": [SMS]})
        found["age"] = await explained(work, store.AGE, sweep)
        elsewhere = {"lacking": ["whatsapp", "webhook"], "now": now, "rows": BATCH}  # asked whenever a sender is idle
        found["reroute"] = await explained(work, store.REROUTE, elsewhere)
        found["strand"] = await explained(work, store.STRAND, elsewhere)
        found["release"] = await explained(work, store.RELEASE, {"sender": sender, "ids": ids})
        moved = text("SELECT count(*) FROM delivery WHERE state = 'accepted'")
        assert (await work.session.execute(moved)).scalar_one() == BATCH
    for what, (touched, over) in found.items():
        assert touched <= TOUCHED_MAX, f"{what} touches {touched} of {count} rows over {over}"
        assert count == FEW or "Seq Scan" not in over, f"{what} reads all {count} rows"
    assert "delivery_due" in found["lease"][1]


def accepted(ids: list[UUID]) -> dict[str, list[object]]:
    """Give the columns of an acceptance of each, as `store.settle` hands them over."""
    each = {
        "state": "accepted", "reason": None, "reply": "200", "due_at": None, "errors": 0, "doubted": False,
        "provider_id": "taken", "cost_rupiah": 350,
    }  # fmt: skip
    return {"id": [*ids], **{name: [value] * len(ids) for name, value in each.items()}}
