"""`serumpun broadcasts`: by the same rules as over HTTP, in the name of a member of staff who is known."""

from typing import Any

import pytest

from tests.operations.conftest import Installation

AUTHOR, SECOND = "officer-19.71", "staff-19"
SUBMIT = (
    "UPDATE broadcast SET state = 'submitted', submitted_by = 'officer-19.71', submitted_at = now(), counted = 501,"
    " steps = 2"
)
STEP = (
    "INSERT INTO broadcast_step (broadcast_id, no, state, by, at) SELECT id, 2, 'submitted', 'x', now() FROM broadcast"
)


@pytest.fixture
async def broadcast(there: Installation) -> str:
    """Give the draft of the demo province, submitted as one to many."""
    await there.sql("notifications", SUBMIT, STEP)
    (row,) = await there.rows("notifications", "SELECT id FROM broadcast")
    return str(row["id"])


async def test_it_is_listed_looked_at_approved_paused_resumed_and_cancelled(
    there: Installation, broadcast: str
) -> None:
    (one,) = (await there.command("broadcasts", "list", "--by", SECOND, "--json")).read(list[dict[str, Any]])
    assert (one["id"], one["state"], one["recipients"]) == (broadcast, "submitted", 501)
    ahead = (await there.command("broadcasts", "preview", broadcast, "--by", SECOND, "--json")).read(dict[str, Any])
    assert ahead["recipients"] == sum(sum(ahead[how].values()) for how in ("outside", "inbox_alone", "withheld")) > 0
    assert len(ahead["examples"]) == 3
    for how, state in (("approve", "running"), ("pause", "paused"), ("resume", "running")):
        done = await there.command("broadcasts", how, broadcast, "--by", SECOND)
        assert (done.code, f" {state} " in done.output) == (0, True), done
    done = await there.command("broadcasts", "cancel", broadcast, "--by", SECOND, "--reason", "Salah tanggal")
    assert (done.code, " cancelled " in done.output) == (0, True), done
    steps = await there.rows("notifications", "SELECT state, by FROM broadcast_step ORDER BY no")
    assert [row["by"] for row in steps][2:] == [SECOND] * 4


async def test_whoever_submitted_it_may_not_approve_and_nobody_unknown_may_anything(
    there: Installation, broadcast: str
) -> None:
    refused = await there.command("broadcasts", "approve", broadcast, "--by", "nobody")
    assert (refused.code, "no member of staff" in refused.line) == (1, True)
    refused = await there.command("broadcasts", "approve", broadcast, "--by", "officer-19.02")
    assert (refused.code, "Not found" in refused.line) == (1, True)
    await there.sql("notifications", SUBMIT.replace(AUTHOR, SECOND))
    refused = await there.command("broadcasts", "approve", broadcast, "--by", SECOND)
    assert (refused.code, SECOND in refused.line) == (1, True)
