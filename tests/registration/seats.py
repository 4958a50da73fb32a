"""How these tests come to a training with people in it: over the real door, on a clock that can be moved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from services.registration.audits import FIGURES
from shared.clock import Clock, wib_day
from shared.database import Database
from shared.keys import KeyStore
from shared.telemetry import AsgiApp
from tests.door import Client
from tests.registration.people import OFFICE, owner, registration

Door = Mapping[str, Client]


class MovingClock(Clock):
    """A clock that begins now, at ten in the morning of a local day, and goes on only when told to."""

    def __init__(self) -> None:
        self.at = datetime.combine(wib_day(datetime.now(UTC)), datetime.min.time(), UTC) + timedelta(hours=3)

    def now(self) -> datetime:
        return self.at

    @property
    def today(self) -> date:
        return wib_day(self.at)


@dataclass(slots=True)
class Story:
    """A training in the city, and tailors who want to come to it."""

    door: Door
    app: AsgiApp
    keys: KeyStore
    database: Database
    clock: MovingClock
    numbers: list[int] = field(default_factory=list)

    async def announce(self, **changes: object) -> dict[str, Any]:
        first = self.clock.today + timedelta(days=7)
        body = {
            "programme": "TR-2020-03",
            "title": "Bimtek konveksi",
            "sector": "garment",
            "region": "19.71",
            "venue": "Aula Kantor Camat Gerunggang",
            "seats": 2,
            "sessions": [(first + timedelta(days=days)).isoformat() for days in range(4)],
        }
        return await self.done("office", "/registration/trainings", **(body | changes))

    async def business(self, **changes: object) -> dict[str, Any]:
        """Register a business with an owner of its own."""
        self.numbers.append(1)
        name = f"Pemilik {chr(64 + len(self.numbers))}"
        body = registration(nib=None, name=f"Konveksi {len(self.numbers)}", owner={"name": name}, **changes)
        return await self.done("office", "/registration/businesses", **body)

    async def apply(self, training: dict[str, Any], business: dict[str, Any], **more: object) -> dict[str, Any]:
        path = f"/registration/trainings/{training['id']}/enrolments"
        return await self.done("office", path, business_id=business["id"], how="paper", **more)

    async def applicants(self, training: dict[str, Any], count: int) -> list[dict[str, Any]]:
        """Let so many apply, each a minute after the other."""
        found = []
        for _ in range(count):
            self.clock.at += timedelta(minutes=1)
            found.append(await self.apply(training, await self.business()))
        return found

    async def offer(self, training: dict[str, Any], **body: object) -> dict[str, Any]:
        return await self.done("office", f"/registration/trainings/{training['id']}/offers", **body)

    async def answer(self, enrolment: dict[str, Any], answer: str = "accept") -> httpx.Response:
        path = f"/registration/enrolments/{enrolment['id']}/answer"
        return await self.door["pangkalpinang"].post(path, json={"answer": answer, "how": "phone"})

    async def seated(self, count: int = 2, **changes: object) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Give a training with so many who have accepted, and nobody else."""
        training = await self.announce(seats=count, **changes)
        enrolments = await self.applicants(training, count)
        await self.offer(training)
        for one in enrolments:
            assert (await self.answer(one)).status_code == 201
        return training, enrolments

    async def enrolment(self, enrolment: dict[str, Any]) -> dict[str, Any]:
        answer = await self.door["office"].get(f"/registration/enrolments/{enrolment['id']}")
        shown: dict[str, Any] = answer.json()
        return shown

    async def states(self, enrolments: list[dict[str, Any]]) -> list[str]:
        return [(await self.enrolment(one))["state"] for one in enrolments]

    async def training(self, training: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = (await self.door["office"].get(f"/registration/trainings/{training['id']}")).json()
        return shown

    async def code(self, enrolment: dict[str, Any]) -> str:
        return str((await self.door["office"].get(f"/registration/enrolments/{enrolment['id']}/code")).json()["code"])

    async def scan(self, training: dict[str, Any], *scans: dict[str, object]) -> list[tuple[str, str | None]]:
        answer = await self.done("pangkalpinang", f"/registration/trainings/{training['id']}/scans", scans=list(scans))
        return [(one["outcome"], one["code"]) for one in answer["scans"]]

    def scanned(self, code: str, session: int = 1, scan: UUID | None = None) -> dict[str, object]:
        return {"id": str(scan or uuid4()), "code": code, "session": session, "scanned_at": self.clock.at.isoformat()}

    def owner_of(self, business: dict[str, Any]) -> Client:
        """Give the door of the owner of a business."""
        return Client(self.app, self.keys, owner(UUID(business["owner_id"])))

    async def done(self, who: str, path: str, **body: object) -> dict[str, Any]:
        answer = await self.door[who].post(path, json=body)
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def refused(self, who: str, path: str, **body: object) -> tuple[int, str]:
        answer = await self.door[who].post(path, json=body)
        return answer.status_code, answer.json()["code"]

    async def audited(self) -> list[tuple[Any, ...]]:
        """Find what disagrees in the books of trainings."""
        return await audited(self.database)


async def audited(database: Database) -> list[tuple[Any, ...]]:
    async with database.reading(OFFICE) as work:
        return [(name, *row) for name, check in FIGURES.items() for row in await work.session.execute(check)]


async def ask(database: Database, question: str) -> list[tuple[Any, ...]]:
    async with database.reading(OFFICE) as work:
        return [tuple(row) for row in await work.session.execute(text(question))]
