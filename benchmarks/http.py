"""What callers of the services feel: postings in a second with and without group commit, and how long news takes."""

from statistics import median

from benchmarks import bulk as by_line
from benchmarks import latency as waiting
from benchmarks import posts as posting
from benchmarks.figures import Budget, Row
from benchmarks.stage import Stage


async def posts(stage: Stage) -> list[Row]:
    """Post the same load to the same code, with one transaction for many requests and with one for each."""

    async def per_second(mode: str) -> float:
        return (await posting.measure(stage.settings, mode, stage.scaled)).per_second

    found = await stage.in_turns(
        {"together": lambda: per_second("together"), "alone": lambda: per_second("alone")},
        warm=False,  # each process is warmed when it has started
    )
    return [
        Row(what="Ledger posts over HTTP, two lines each, durable", unit="/s", figures=found["together"],
            against="the same code, one transaction each", others=found["alone"],
            budgets=(Budget(2_500), Budget(5, ratio=True))),
    ]  # fmt: skip


async def bulk(stage: Stage) -> list[Row]:
    """Post the same receipts as lines of one request and in a request each, of one line both."""

    async def alone() -> float:
        return (await posting.measure(stage.settings, "together", stage.scaled, lines=1)).per_second

    found = await stage.in_turns(
        {"by line": lambda: by_line.measure(stage.settings, stage.scaled), "a request each": alone}, warm=False
    )
    return [
        Row(what="Bulk posting, one request (NDJSON), receipts of one line, durable", unit="/s",
            figures=found["by line"], against="a request each, group commit", others=found["a request each"],
            budgets=(Budget(10_000),)),
    ]  # fmt: skip


async def latency(stage: Stage) -> list[Row]:
    """Post on an idle system and look into the inbox; a repetition is a share of the postings of one process."""
    waits = await waiting.measure(stage.settings, stage.scaled(waiting.POSTS))
    size = max(1, len(waits) // stage.repetitions)
    shares = [sorted(waits[first : first + size]) for first in range(0, size * stage.repetitions, size)]
    return [
        Row(what="Post → notification in the inbox, idle system, p50", unit="ms",
            figures=[median(share) for share in shares], budgets=(Budget(50, most=True),)),
        Row(what="Post → notification in the inbox, idle system, p99", unit="ms",
            figures=[share[int(len(share) * 0.99)] for share in shares], budgets=(Budget(250, most=True),)),
    ]  # fmt: skip
