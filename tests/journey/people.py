"""The people of the story, each with what they do all day; what they see, they see over HTTP and in their mail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx

from shared.caller import Role
from shared.province import PROVINCES, Province, read_province
from tests.notifications.mail_server import MailServer
from tests.processes import lines_of
from tests.waiting import wait_until

MASKS = "MASK-CLOTH"
SECONDS_TO_HEAR = 60
"""How long a test waits for news of what has happened; the budget is a quarter of a second, held by `make bench`."""

Json = dict[str, Any]
Bearer = Callable[..., dict[str, str]]
"""Called with a role, a subject and regions."""
Somebody = TypeVar("Somebody", bound="Person")


class Refused(Exception):
    """Somebody was told no; `code` says why in a stable way, `errors` names the fields."""

    def __init__(self, answer: httpx.Response) -> None:
        problem = answer.json()
        super().__init__(f"{answer.status_code} {problem['code']}: {problem['detail']}")
        self.status: int = answer.status_code
        self.code: str = problem["code"]
        self.errors: set[str] = {error["code"] for error in problem.get("errors", ())}


@dataclass(frozen=True)
class Message:
    """A message as it stands in an inbox."""

    title: str
    body: str
    language: str
    trace_id: str


@dataclass(frozen=True)
class HandedOut:
    """What an office gets when it has handed out aid; `bytes` is the whole answer as it came over the wire."""

    id: UUID
    receipt: str
    state: str
    bytes: bytes
    was_known_already: bool

    @property
    def fact(self) -> str:
        """Name the matter, as messages about it do."""
        return f"distribution/{self.id}"


class Person:
    """Somebody with a token, and an address that mail can be sent to."""

    def __init__(self, world: "World", name: str, email: str | None, token: dict[str, str]) -> None:
        self.name = name
        self.email = email
        self.token = token["Authorization"].removeprefix("Bearer ")
        self._world = world
        self._http = httpx.AsyncClient(headers=token, timeout=30)

    async def hears_of(self, fact: str, purpose: str) -> Message:
        """Wait for the message about a fact, and make sure that it came once."""

        async def arrived() -> list[Message]:
            return await self.messages_about(fact, purpose)

        found = await wait_until(arrived, SECONDS_TO_HEAR, f"{self.name} to hear of {fact}")
        assert len(found) == 1, f"{self.name} was told {len(found)} times of {fact}"
        return found[0]

    async def messages_about(self, fact: str, purpose: str) -> list[Message]:
        inbox = await self.sees("/notifications/inbox", limit=200)
        return [
            Message(item["title"], item["body"], item["language"], item["trace_id"])
            for item in inbox["items"]
            if (item["fact"], item["purpose"]) == (fact, purpose)
        ]

    async def gets_mail(self, words: str) -> EmailMessage:
        """Wait for the letter that holds some words, and make sure that it came once."""

        def arrived() -> list[EmailMessage]:
            letters = [letter for letter in self._world.mail.letters if letter["To"] == self.email]
            return [letter for letter in letters if words in f"{letter['Subject']} {letter.get_content()}"]

        found = await wait_until(arrived, SECONDS_TO_HEAR, f"{self.name} to get mail with {words!r}")
        assert len(found) == 1, f"{self.name} got {len(found)} letters with {words!r}"
        return found[0]

    async def sees(self, path: str, **query: object) -> Json:
        """Read something; raises Refused."""
        return _accepted(await self._http.get(self._world.address(path), params=query)).json()

    async def asks(self, path: str, body: Json, **headers: str) -> httpx.Response:
        """Ask for something to be done; raises Refused."""
        return _accepted(await self._http.post(self._world.address(path), json=body, headers=headers))

    async def leaves(self) -> None:
        await self._http.aclose()


class Owner(Person):
    """Somebody with a business of their own."""

    async def businesses(self) -> list[str]:
        return [business["name"] for business in (await self.sees("/registration/my/businesses"))["items"]]


class Office(Person):
    """A regency office, or the office of the province, by the person who works there."""

    def __init__(self, world: "World", region: str, name: str, email: str | None, token: dict[str, str]) -> None:
        super().__init__(world, name, email, token)
        self.region = region
        self.warehouse = f"WH-{region}" if "." in region else "WH-PROV"

    async def stock(self, item: str = MASKS) -> int:
        """Count what lies in the office's own warehouse."""
        balances = await self.sees("/aid/balances", place=self.warehouse, item=item)
        return sum(balance["on_hand"] for balance in balances["items"])

    async def last_on_card(self, item: str = MASKS) -> tuple[int, int, str]:
        """Give the last movement on the card: how much, what lay there after it, and its document."""
        card = await self.sees(f"/aid/cards/{self.warehouse}/{item}", limit=200)
        last = card["items"][-1]
        return last["quantity"], last["balance"], last["number"]

    async def receipts(self) -> list[str]:
        """Name every receipt that the office has given."""
        given = await self.sees("/aid/distributions", region=self.region, limit=200)
        return [distribution["number"] for distribution in given["items"]]

    async def hands_out(
        self,
        quantity: int,
        *,
        to: tuple[UUID, ...] = (),
        public: int = 0,
        key: str = "",
        trace: str = "",
        warehouse: str = "",
    ) -> HandedOut:
        """Hand out masks to businesses and to so many of the public; the same key is the same hand-out."""
        order = {
            "programme": "free-masks",
            "place": warehouse or self.warehouse,
            "occurred_at": self._world.moment_of(key := key or str(uuid4())),
            "lines": [{"item": MASKS, "quantity": quantity}],
            "recipients": {"public": public, "businesses": [str(business) for business in to]},
        }
        headers = {"traceparent": trace} if trace else {}
        answer = await self.asks("/aid/distributions", order, **{"Idempotency-Key": key, **headers})
        return _handed_out(answer)

    async def hands_out_once_known(self, quantity: int, business: UUID) -> HandedOut:
        """Hand out to a business that was registered a moment ago, as soon as its registration has got about."""

        async def known() -> HandedOut | None:
            try:
                return await self.hands_out(quantity, to=(business,))
            except Refused as refused:
                if refused.errors == {"unknown_business"}:
                    return None
                raise

        return await wait_until(known, SECONDS_TO_HEAR, f"aid to know business {business}")

    async def takes_back(self, handed_out: HandedOut, reason: str) -> HandedOut:
        return _handed_out(await self.asks(f"/aid/distributions/{handed_out.id}/void", {"reason": reason}))

    async def registers(self, business: str, owner: Json) -> Json:
        body = {"name": business, "sector": "garment", "region": self.region, "owner": owner}
        return (await self.asks("/registration/businesses", body)).json()

    async def sends(self, quantity: int, to: "Office") -> Json:
        """Send masks on their way to another office."""
        order = {
            "from_place": self.warehouse,
            "to_place": to.warehouse,
            "occurred_at": now(),
            "lines": [{"item": MASKS, "quantity": quantity}],
        }
        return (await self.asks("/aid/transfers", order)).json()

    async def takes_in(self, transfer: Json, *, accepted: int, damaged: int) -> Json:
        """Count what has arrived, and say what of it cannot be used."""
        line = {"item": MASKS, "accepted": accepted, "rejected": damaged, "reason": "damaged"}
        body = {"occurred_at": now(), "lines": [line]}
        return (await self.asks(f"/aid/transfers/{transfer['id']}/receipt", body)).json()


class World:
    """The province, its people, the post office, and what the system writes down about its own work.

    `urls` says where each service answers, by the first part of its paths; `bearer` gives somebody's token as a header;
    `logs` are the files they write.
    """

    def __init__(self, urls: Mapping[str, str], bearer: Bearer, mail: MailServer, logs: Sequence[Path]) -> None:
        self.mail = mail
        self._urls = urls
        self._bearer = bearer
        self._logs = logs
        self._province: Province = read_province(PROVINCES / "19-kepulauan-bangka-belitung")
        self._people: list[Person] = []
        self._moments: dict[str, str] = {}

    def address(self, path: str) -> str:
        """Give the whole address of a path."""
        return f"{self._urls[path.split('/')[1]]}{path}"

    def office(self, region: str) -> Office:
        """Give the office of a regency, or of the province."""
        role = Role.REGENCY_OFFICER if "." in region else Role.PROVINCE_STAFF
        who = next(one for one in self._province.staff if (one.role, one.region) == (role, region))
        return self._arrives(Office(self, region, who.name, who.email, self._bearer(role, who.subject, region)))

    def owner(self, name: str) -> Owner:
        """Give an owner of the demo province."""
        who = next(one for one in self._province.owners if one.name == name)
        return self.newcomer(who.id, name, who.email)

    def newcomer(self, owner_id: object, name: str, email: str | None) -> Owner:
        """Give an owner by the id that they were registered under."""
        return self._arrives(Owner(self, name, email, self._bearer(Role.OWNER, str(owner_id))))

    def business(self, name: str) -> UUID:
        """Give the id of a business of the demo province."""
        return next(one.id for one in self._province.businesses if one.name == name)

    def moment_of(self, key: str) -> str:
        """Give the moment of what is ordered under a key: now, and the same one whenever it is tried again."""
        return self._moments.setdefault(key, now())

    def log(self, **wanted: object) -> list[Json]:
        """Give the lines of the log in which these fields have these values."""
        return [line for line in lines_of(self.whole_log()) if wanted.items() <= line.items()]

    def whole_log(self) -> str:
        return "\n".join(log.read_text() for log in self._logs)

    async def ends(self) -> None:
        for person in self._people:
            await person.leaves()

    def _arrives(self, person: Somebody) -> Somebody:
        self._people.append(person)
        return person


def now() -> str:
    return datetime.now(UTC).isoformat()


def _accepted(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        raise Refused(answer)
    return answer


def _handed_out(answer: httpx.Response) -> HandedOut:
    view = answer.json()
    known = answer.headers.get("Idempotency-Replayed") == "true"
    return HandedOut(UUID(view["id"]), view["number"], view["state"], answer.content, known)
