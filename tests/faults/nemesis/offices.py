"""The clients: offices that hand out, receive, take back, register and rename, and write down what they hear."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import monotonic
from uuid import UUID

import httpx
import msgspec

from shared.caller import Role
from shared.province import PROVINCES, read_province
from shared.province_rows import Business
from tests.faults.nemesis.history import Body, History, Operation, Outcome
from tests.processes import bearer
from tests.waiting import wait_until

ANSWER_SECONDS_MAX = 4
ATTEMPTS_UNDER_FIRE = 3
RETRY_SECONDS = 0.3
SETTLE_SECONDS_MAX = 60
PAUSE_SECONDS = (0.05, 0.35)
DONE = (httpx.codes.OK, httpx.codes.CREATED)
LATER = frozenset({"request_in_progress", "unavailable"})
REFUSALS = {
    "too much": {"short_of_stock"},
    "malformed": {"invalid"},
    "hand-out": {"short_of_stock"},  # the scarce item runs out
}
"""For what an order may be refused for good; anything else that is no success and no `LATER` is a defect."""


@dataclass
class Offices:
    """All offices of the province, with what they have asked for so far."""

    addresses: dict[str, str]
    home: Path
    rng: Random
    prefix: str
    history: History = field(default_factory=History)
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    closed: bool = False

    def __post_init__(self) -> None:
        """Give every region a client of its own, with the token of its officer."""
        province = read_province(PROVINCES / "19-kepulauan-bangka-belitung")
        self.businesses = province.businesses
        self.regions = sorted({one.region for one in self.businesses})
        for region in self.regions:
            # A connection for each attempt, as a phone has it: what breaks is then one attempt and no other.
            self.clients[region] = httpx.AsyncClient(
                headers=bearer(self.home, Role.REGENCY_OFFICER, f"officer-{region}", region),
                limits=httpx.Limits(max_keepalive_connections=0),
                timeout=ANSWER_SECONDS_MAX,
            )

    @asynccontextmanager
    async def at_work(self, phones: int, clerks: int) -> AsyncIterator[None]:
        """Let phones and clerks work during a block; at its end each finishes what it has in hand."""
        working = [self._phone(Random(self.rng.random())) for _ in range(phones)]
        working += [self._clerk(self.businesses[number * 5], Random(self.rng.random())) for number in range(clerks)]
        tasks = [asyncio.create_task(one) for one in working]
        try:
            yield
        finally:
            self.closed = True
            await asyncio.gather(*tasks)

    async def leave(self) -> None:
        for client in self.clients.values():
            await client.aclose()

    def recall(self, since: float) -> int:
        """Note that the store was put back to what it was at a moment: all that was told since is in doubt again."""
        recalled = 0
        for one in self.history.operations:
            if one.service == "aid_distribution" and one.settled_at >= since:
                recalled += one.outcome is Outcome.OK
                one.outcome = Outcome.UNKNOWN
        return recalled

    async def settle(self) -> None:
        """Send every operation in doubt again, under its key, until it is known; what rests on another comes after."""
        for wave in (False, True):
            doubtful = [one for one in self.history.of(Outcome.UNKNOWN) if (one.after is not None) is wave]
            limit = asyncio.Semaphore(8)

            async def until_known(one: Operation, limit: asyncio.Semaphore = limit) -> None:
                async with limit:
                    await self._until_known(one, SETTLE_SECONDS_MAX)

            await asyncio.gather(*(until_known(one) for one in doubtful))

    async def ask_again(self, count: int) -> int:
        """Send some operations again that are answered already: the answer must be the first one, byte for byte."""
        answered = [one for one in self.history.of(Outcome.OK) if "If-Match" not in one.headers]
        for one in self.rng.sample(answered, min(count, len(answered))):
            answer = await self._ask(one)
            if answer.content != one.told or answer.headers.get("Idempotency-Replayed") != "true":
                self.history.defects.append(f"{one.document} was answered otherwise the second time: {answer.text}")
        return min(count, len(answered))

    async def _phone(self, rng: Random) -> None:
        mine: list[Operation] = []
        while not self.closed:
            voidable = [one for one in mine if one.kind == "hand-out" and one.outcome is Outcome.OK]
            if voidable and rng.random() < 0.12:
                handed_out = voidable[rng.randrange(len(voidable))]
                mine.remove(handed_out)
                one = self._void(handed_out)
            else:
                one = self._order(rng)
                mine.append(one)
            await self._try(one)
            await asyncio.sleep(rng.uniform(*PAUSE_SECONDS))

    def _order(self, rng: Random) -> Operation:
        region = rng.choice(self.regions)
        business = rng.choice([one for one in self.businesses if one.region == region])
        kinds: list[tuple[float, Callable[[str, UUID, Random], Operation]]] = [
            (0.72, self._hand_out), (0.82, self._receive), (0.88, self._register), (0.94, self._too_much),
            (1.0, self._malformed),
        ]  # fmt: skip
        drawn = rng.random()
        return next(make for bound, make in kinds if drawn < bound)(region, business.id, rng)

    def _hand_out(self, region: str, business: UUID, rng: Random) -> Operation:
        lines: list[Body] = [{"item": "MASK-CLOTH", "quantity": rng.randint(1, 5)}]
        if rng.random() < 0.2:
            lines.append({"item": "SOAP-5L", "quantity": rng.randint(1, 12)})
        return self._distribution("hand-out", region, lines, [str(business)] if rng.random() < 0.8 else [])

    def _too_much(self, region: str, business: UUID, rng: Random) -> Operation:
        return self._distribution("too much", region, [{"item": "MASK-CLOTH", "quantity": 10**8}], [str(business)])

    def _malformed(self, region: str, business: UUID, rng: Random) -> Operation:
        return self._distribution("malformed", region, [{"item": "NO-SUCH-ITEM", "quantity": 1}], [str(business)])

    def _distribution(self, kind: str, region: str, lines: list[Body], businesses: list[str]) -> Operation:
        body: Body = {
            "programme": "free-masks", "place": f"WH-{region}", "occurred_at": _now(), "lines": lines,
            "recipients": {"public": 1, "businesses": businesses},
        }  # fmt: skip
        return self._begun(kind, "aid_distribution", "/aid/distributions", region, body)

    def _receive(self, region: str, business: UUID, rng: Random) -> Operation:
        lines: list[Body] = [{"item": "SOAP-5L", "quantity": rng.randint(1, 9)}]
        body: Body = {"place": f"WH-{region}", "source": "donation", "occurred_at": _now(), "lines": lines}
        return self._begun("receipt", "aid_distribution", "/aid/receipts", region, body)

    def _void(self, handed_out: Operation) -> Operation:
        return self._begun(
            "void", "aid_distribution", "/aid/distributions/{id}/void", handed_out.headers["region"],
            {"reason": "posted in error"}, after=handed_out,
        )  # fmt: skip

    def _register(self, region: str, business: UUID, rng: Random) -> Operation:
        body: Body = {"sector": "garment", "region": region, "owner": {"name": "Pemilik Baru"}}
        one = self._begun("register", "registration", "/registration/businesses", region, body)
        one.body["name"] = one.document
        return one

    def _begun(
        self, kind: str, service: str, path: str, region: str, body: Body, after: Operation | None = None
    ) -> Operation:
        document = f"{self.prefix}-{len(self.history.operations)}"
        one = Operation(kind, service, path, body | {"document": document}, document, f"key-{document}", after)
        one.headers["region"] = region
        self.history.operations.append(one)
        return one

    async def _clerk(self, business: Business, rng: Random) -> None:
        """Rename one business again and again, in order: nobody else changes it, so its version is known."""
        business_id, region, base = business.id, business.region, business.name
        version = await self._version(business_id, region)
        number = 0
        while not self.closed:
            number += 1
            path = f"/registration/businesses/{business_id}"
            one = self._begun("rename", "registration", path, region, {"name": f"{base} #{number}"})
            one.headers["If-Match"] = f'"{version}"'
            while one.outcome is Outcome.UNKNOWN and not self.closed:
                await self._try(one)
            version += 1
            await asyncio.sleep(rng.uniform(*PAUSE_SECONDS) * 2)

    async def _version(self, business_id: UUID, region: str) -> int:
        """Ask until it is told: what is broken first may be broken already."""
        url = f"{self.addresses['registration']}/registration/businesses/{business_id}"

        async def told() -> int | None:
            try:
                answer = await self.clients[region].get(url)
            except httpx.TransportError:
                return None
            return int(answer.json()["version"]) if answer.status_code == httpx.codes.OK else None

        return await wait_until(told, SETTLE_SECONDS_MAX, f"the version of {business_id}")

    async def _try(self, one: Operation) -> None:
        for attempt in range(ATTEMPTS_UNDER_FIRE):
            if attempt:
                await asyncio.sleep(RETRY_SECONDS)
            if await self._send(one):
                return

    async def _until_known(self, one: Operation, seconds: float) -> None:
        async def known() -> bool:
            if await self._send(one):
                return True
            await asyncio.sleep(RETRY_SECONDS)
            return False

        try:
            await wait_until(known, seconds, f"an outcome of {one.document} ({one.kind})")
        except AssertionError as error:
            self.history.defects.append(f"{error}; last it heard: {one.last_heard}")

    async def _send(self, one: Operation) -> bool:
        """Send an operation once; tells whether its outcome is known now."""
        one.sent_at = one.sent_at or monotonic()
        one.sent += 1
        try:
            answer = await self._ask(one)
        except httpx.TransportError as error:
            one.last_heard = repr(error)
            return False
        one.last_heard = f"{answer.status_code} {answer.text}"
        self._hear(one, answer)
        return one.outcome is not Outcome.UNKNOWN

    def _hear(self, one: Operation, answer: httpx.Response) -> None:
        if answer.status_code in DONE:
            one.told = answer.content
            one.ids.append(msgspec.json.decode(answer.content, type=_Named).id)
            self._settled(one, Outcome.OK, answer)
            return
        told_as_problem = answer.headers.get("content-type") == "application/problem+json"
        code = answer.json()["code"] if told_as_problem else "not a problem of ours"
        if code == "stale" and one.sent > 1:
            self._settled(one, Outcome.OK, answer)  # it is this very change that made its condition stale
        elif code in REFUSALS.get(one.kind, ()):
            self._settled(one, Outcome.FAIL, answer)
        elif code == "not_found" and one.after and one.after.outcome is Outcome.FAIL:
            self._settled(one, Outcome.FAIL, answer)  # sent again after a restore, the hand-out found nothing left
        elif code in LATER or (code == "not_found" and one.after):  # a restore has taken what it rests on
            self.history.refused_for_now[code] += 1
        else:
            self.history.defects.append(
                f"{one.kind} {one.document}: {answer.status_code} {dict(answer.headers)} {answer.text}"
            )
            self._settled(one, Outcome.FAIL, answer)

    def _settled(self, one: Operation, outcome: Outcome, answer: httpx.Response) -> None:
        one.outcome, one.status, one.settled_at = outcome, answer.status_code, monotonic()

    def _ask(self, one: Operation) -> Awaitable[httpx.Response]:
        client = self.clients[one.headers["region"]]
        url = self.addresses[one.service] + one.path.format(id=one.after.ids[-1] if one.after else "")
        if condition := one.headers.get("If-Match"):
            body = {"name": one.body["name"]}
            return client.patch(url, json=body, headers={"If-Match": condition})
        return client.post(url, json=one.body, headers={"Idempotency-Key": one.key})


class _Named(msgspec.Struct):
    id: UUID


def _now() -> str:
    return datetime.now(UTC).isoformat()
