"""Who did what, when: each act is a request that a person of the province's offices makes, under a key of its own.

Shape:  days are told back from the day on which the month was begun, so the same act is the same request in every run,
        and its key lets it happen once however often the command is given
Raises: NotPossible when a service refuses an act, naming the act and the reason
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx

from services.operations.refusals import NotPossible
from shared.clock import WIB, shown, wib_day
from shared.province import Province

ACT = "serumpun-demo-month/{act}"
PROVINCE_STAFF = "staff-19"
HEARD_SECONDS_MAX = 60
LOOK_SECONDS = 0.1
LIMIT = 200

Json = dict[str, Any]
T = TypeVar("T")


class Diary:
    """The pages of one month: acts with their keys and days, and what the services say of them."""

    def __init__(
        self, client: httpx.AsyncClient, province: Province, tokens: Mapping[str, str], begun: datetime
    ) -> None:
        """Write for the people whose tokens these are, counting days back from `begun`."""
        self.province = province
        self.begun = begun
        self.acts = 0
        self._client = client
        self._tokens = tokens

    @property
    def today(self) -> date:
        """Give the local day on which the month was begun."""
        return wib_day(self.begun)

    @property
    def now(self) -> str:
        """Give the moment at which the month was begun."""
        return shown(self.begun).isoformat()

    def ago(self, days: int, hour: int = 9, minute: int = 0) -> str:
        """Give a moment of a day so many days ago, by the clock of the province."""
        return datetime.combine(self.today - timedelta(days=days), time(hour, minute), WIB).isoformat()

    def day(self, days: int) -> str:
        """Give the day that is so many days ahead."""
        return (self.today + timedelta(days=days)).isoformat()

    def number(self, name: str) -> UUID:
        """Give the id of something that a device names itself: the same in every run."""
        return uuid5(NAMESPACE_URL, ACT.format(act=f"{self.begun.isoformat()}/{name}"))

    async def posts(self, act: str, path: str, *, by: str = PROVINCE_STAFF, **body: object) -> Json:
        """Do something, once: under its key the first answer is given again."""
        return await self._asks("POST", act, path, by, body, {})

    async def changes(self, act: str, path: str, version: int, *, by: str = PROVINCE_STAFF, **body: object) -> Json:
        """Change something that is at a version; a change has no key, so it is for whoever asks to do it once."""
        return await self._asks("PATCH", act, path, by, body, {"If-Match": f'"{version}"'})

    async def sees(self, path: str, *, by: str = PROVINCE_STAFF, **query: object) -> Json:
        """Read something."""
        asked = {name: str(value) for name, value in query.items()}
        return _accepted(path, await self._client.get(path, params=asked, headers=self._bearer(by)))

    async def every(self, path: str, **query: str) -> list[Json]:
        """Read a list to its end."""
        found: list[Json] = []
        cursor: Json = {}
        while True:
            page = await self.sees(path, limit=LIMIT, **query, **cursor)
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}

    async def waits(self, asked: Callable[[], Awaitable[T]], what: str) -> T:
        """Ask again and again until there is an answer: events and alerts come a moment after what they are about."""
        deadline = monotonic() + HEARD_SECONDS_MAX
        while not (answer := await asked()):
            if monotonic() > deadline:
                raise NotPossible(f"{what} did not come within {HEARD_SECONDS_MAX} s: see `serumpun doctor`")
            await asyncio.sleep(LOOK_SECONDS)
        return answer

    async def alarms(self, **of: str) -> None:
        """Wait until there is such an alert, about a place or of a kind, open or cleared."""

        async def found() -> list[Json]:
            return list((await self.sees("/aid/alerts", **of))["items"])

        await self.waits(found, f"an alert about {of}")

    async def _asks(
        self, method: str, act: str, path: str, by: str, body: Mapping[str, object], headers: Mapping[str, str]
    ) -> Json:
        key = str(uuid5(NAMESPACE_URL, ACT.format(act=act)))
        headers = {**headers, **self._bearer(by), "Idempotency-Key": key}
        answer = await self._client.request(method, path, json=body, headers=headers)
        self.acts += "Idempotency-Replayed" not in answer.headers
        return _accepted(f"{act}: {method} {path}", answer)

    def _bearer(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[who]}"}


def officer(region: str) -> str:
    """Name the officer of a regency or a city."""
    return f"officer-{region}"


def warehouse(region: str) -> str:
    """Name the warehouse of a regency or a city."""
    return f"WH-{region}"


def goods(item: str, quantity: int, **more: object) -> list[Json]:
    """Give the lines of a paper that names one item."""
    return [{"item": item, "quantity": quantity, **more}]


def _accepted(what: str, answer: httpx.Response) -> Json:
    if answer.is_success:
        return dict(answer.json())
    raise NotPossible(f"{what} was refused: {answer.status_code} {answer.text[:1000]}")
