"""A crowd at work over HTTP, and then every book is checked: `python -m tests.faults.crowd [--operations --clients]`.

Offices receive, issue, move, hand out, undo and post in bulk, at random and all at once, also into the past and more
than there is; some orders are sent twice. Whatever they are told, `serumpun verify` must find nothing wrong afterwards.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import httpx
import msgspec

from shared.caller import Role
from tests.processes import LOOPBACK, Process, bearer, free_port, new_home
from tests.waiting import wait_until

OPERATIONS = 20_000
CLIENTS = 64
VERIFY_SECONDS_MAX = 900
WAIT_SECONDS = "300"
PLACES = ("WH-PROV", "WH-19.01", "WH-19.02", "WH-19.03", "WH-19.71")
ITEMS = ("MASK-CLOTH", "SOAP-5L", "RICE-5KG")
LOTS = (None, None, None, "C-1", "C-2")
BULK_LINES = 5
EXPECTED = frozenset({200, 201, 409, 422})

Json = dict[str, Any]


def _stands(answer: bytes) -> set[bytes]:
    """Give what of an answer is the same for ever: a line that was refused is tried anew, and told of as it is then."""
    lines = answer.splitlines()
    return {line for line in lines if b'"status":201' in line} if answer.startswith(b'{"line":') else set(lines)


@dataclass(slots=True)
class Crowd:
    """Those who work, what they were told, and what they may still undo or take in."""

    random: Random
    http: httpx.AsyncClient
    numbers: Iterator[int]
    told: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    postings: list[str] = field(default_factory=list)
    transfers: list[tuple[str, list[Json]]] = field(default_factory=list)
    distributions: list[str] = field(default_factory=list)

    async def work(self) -> None:
        """Do one operation after the other until all are done."""
        for number in self.numbers:
            path, body = self.random.choice(KINDS)(self)
            headers = {"Idempotency-Key": str(UUID(int=number))}
            answer = await self._sent(path, body, headers)
            if answer is not None and self.random.random() < 0.1:
                again = await self._sent(path, body, headers)
                if again is not None and answer.is_success and not _stands(answer.content) <= _stands(again.content):
                    self.wrong.append(f"{path} was answered {answer.text} and then {again.text}")
            if answer is not None:
                self._learn(path, body, answer)

    async def _sent(self, path: str, body: Json | bytes, headers: dict[str, str]) -> httpx.Response | None:
        """Send an order as often as it is told to come back later."""

        async def settled() -> tuple[httpx.Response] | None:
            if isinstance(body, bytes):
                lines = {"Content-Type": "application/x-ndjson"}
                answer = await self.http.post(path, content=body, headers=lines)
                busy = b'"status":503' in answer.content
            else:
                answer = await self.http.post(path, json=body, headers=headers)
                busy = answer.status_code == httpx.codes.SERVICE_UNAVAILABLE or b"request_in_progress" in answer.content
            return None if busy else (answer,)  # an answer that refuses is false by itself

        try:
            (answer,) = await wait_until(settled, description=f"an answer of {path}")
        except AssertionError as late:
            self.wrong.append(str(late))
            return None
        return answer

    def _learn(self, path: str, body: Json | bytes, answer: httpx.Response) -> None:
        self.told[f"{path.split('/')[2]} {answer.status_code}"] += 1
        if answer.status_code not in EXPECTED or b'"status":500' in answer.content:
            self.wrong.append(f"{path}: {answer.status_code} {answer.text[:300]}")
        if not answer.is_success or isinstance(body, bytes):
            return
        told = answer.json()
        match path.split("/"):
            case [_, _, "receipts" | "issues"]:
                self.postings.append(told["id"])
            case [_, _, "transfers"]:
                self.transfers.append((told["id"], told["lines"]))
            case [_, _, "distributions"]:
                self.distributions.append(told["id"])

    def moment(self) -> str:
        """Give a moment: mostly now, now and then some days ago."""
        days = self.random.choice((0, 0, 0, 1, 3, 20))
        return (datetime.now(UTC) - timedelta(days=days, seconds=1)).isoformat()

    def goods(self, quantity_max: int) -> list[Json]:
        """Give one or two lines."""
        items = self.random.sample(ITEMS, self.random.randint(1, 2))
        return [
            {"item": item, "quantity": self.random.randint(1, quantity_max), "lot": self.random.choice(LOTS)}
            for item in items
        ]


def receive(crowd: Crowd) -> tuple[str, Json]:
    body = {"place": crowd.random.choice(PLACES), "source": "supplier"}
    return "/aid/receipts", {**body, "occurred_at": crowd.moment(), "lines": crowd.goods(60)}


def issue(crowd: Crowd) -> tuple[str, Json]:
    body = {"place": crowd.random.choice(PLACES), "reason": "damaged"}
    return "/aid/issues", {**body, "occurred_at": crowd.moment(), "lines": crowd.goods(40)}


def dispatch(crowd: Crowd) -> tuple[str, Json]:
    from_place, to_place = crowd.random.sample(PLACES, 2)
    body = {"from_place": from_place, "to_place": to_place}
    return "/aid/transfers", {**body, "occurred_at": crowd.moment(), "lines": crowd.goods(30)}


def arrive(crowd: Crowd) -> tuple[str, Json | bytes]:
    if not crowd.transfers:
        return dispatch(crowd)
    transfer, lines = crowd.random.choice(crowd.transfers)
    sent: Counter[str] = Counter()
    for line in lines:
        sent[line["item"]] += line["dispatched"]
    told = [
        {"item": item, "accepted": quantity - 1, "rejected": 1, "reason": "lost"} for item, quantity in sent.items()
    ]
    return f"/aid/transfers/{transfer}/receipt", {"occurred_at": datetime.now(UTC).isoformat(), "lines": told}


def undo(crowd: Crowd) -> tuple[str, Json]:
    if not crowd.postings:
        return receive(crowd)
    return f"/aid/postings/{crowd.random.choice(crowd.postings)}/reversal", {"reason": "Salah ketik"}


def hand_out(crowd: Crowd) -> tuple[str, Json]:
    goods = [{"item": "MASK-CLOTH", "quantity": crowd.random.randint(1, 30)}]
    body = {"programme": "free-masks", "place": crowd.random.choice(PLACES), "recipients": {"public": 5}}
    return "/aid/distributions", {**body, "occurred_at": crowd.moment(), "lines": goods}


def void(crowd: Crowd) -> tuple[str, Json]:
    if not crowd.distributions:
        return hand_out(crowd)
    return f"/aid/distributions/{crowd.random.choice(crowd.distributions)}/void", {"reason": "Salah tempat"}


def in_bulk(crowd: Crowd) -> tuple[str, bytes]:
    names = {"receipt": receive, "issue": issue, "transfer": dispatch}
    lines = []
    for _ in range(BULK_LINES):
        name = crowd.random.choice(list(names))
        lines.append({"key": f"bulk-{crowd.random.getrandbits(64):x}", name: names[name](crowd)[1]})
    return "/aid/bulk", b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


Kind = Callable[[Crowd], tuple[str, Json | bytes]]
KINDS: tuple[Kind, ...] = (
    receive,
    receive,
    receive,
    issue,
    issue,
    dispatch,
    arrive,
    undo,
    hand_out,
    hand_out,
    void,
    in_bulk,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: how often each answer was given, what was wrong, and what verify says."""

    told: Counter[str]
    wrong: list[str]
    whole: bool
    verdict: str


async def at_work(operations: int, clients: int, seed: int, folder: Path) -> Outcome:
    """Let a crowd work on an installation of its own, and verify it while it still runs."""
    with new_home() as home:
        url = f"http://{LOOPBACK}:{(port := free_port())}"
        up = Process(home, "up", "--port", str(port), log=folder / "up.log")
        up.start()
        try:
            await up.answers_ready(url)
            numbers = iter(range(1, operations + 1))
            async with httpx.AsyncClient(
                base_url=url, headers=bearer(home, Role.PROVINCE_STAFF, "staff-19", "19"), timeout=120
            ) as http:
                crowd = Crowd(Random(seed), http, numbers)
                await asyncio.gather(*(crowd.work() for _ in range(clients)))
            check = Process(home, "verify", "--json", "--wait", WAIT_SECONDS, log=folder / "verify.log")
            check.start()
            await wait_until(lambda: not check.running, VERIFY_SECONDS_MAX, "verify to end")
            return Outcome(crowd.told, crowd.wrong, check.exit_code == 0, check.output)
        finally:
            await up.stop()


def main() -> int:
    """Let the crowd work and tell what came of it; 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.crowd", description=__doc__)
    parser.add_argument("--operations", type=int, default=OPERATIONS)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--seed", type=int, default=2020)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="serumpun-crowd-") as folder:
        outcome = asyncio.run(at_work(asked.operations, asked.clients, asked.seed, Path(folder)))
    lines = [f"{times:7,} {what}" for what, times in sorted(outcome.told.items())]
    sys.stdout.write("\n".join([*lines, *outcome.wrong[:20], outcome.verdict[-2000:]]) + "\n")
    return 0 if outcome.whole and not outcome.wrong else 1


if __name__ == "__main__":
    sys.exit(main())
