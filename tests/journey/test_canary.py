"""A hundred invented people go through every flow, and then nothing of their numbers stands anywhere in plain.

Not in any table, stream or key, not in a log line, a metric or an answer to whom it is not for. A control plants one
number in one row, in one entry and in one line, and is found.
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
import pytest_asyncio

from services.notifications.signin.handlers import code_of
from services.suite import SERVICES
from shared.caller import Role
from shared.clock import wib_day
from shared.keys import KeyStore
from shared.privacy import Vault
from shared.stream import connect
from tests.faults import oracle
from tests.faults.orders import ORDERS
from tests.faults.orders.giving import SMS_HOOK_SECRET, Json, Order
from tests.faults.orders.production import call_for_production
from tests.faults.processes import Installation, installed
from tests.journey.canary import PEOPLE, Invented, Needles, dumped, needles, redis_dumped
from tests.journey.people import now
from tests.notifications.mail_server import MailServer
from tests.processes import LOOPBACK, bearer, of_a_page
from tests.waiting import wait_until

REASON = "Pencairan bantuan"
OWN_SALES, OWN_ANSWERS = "/registration/my/businesses", "/registration/my/survey-answers"
"""Where an owner reads the sales and the turnover that they told themselves."""

REVEALED_MAX = 40


@dataclass
class Office:
    """Whoever gives orders, over HTTP, and keeps every answer and every address."""

    installation: Installation
    http: httpx.AsyncClient
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    secret: list[bytes] = field(default_factory=list)

    async def request(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        answer = await self.http.request(method, f"{self.installation.urls[service]}{path}", **more)
        told = f"{method} {answer.request.url}"
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        if path.endswith(("/reveal", "/file")) or path in {OWN_SALES, OWN_ANSWERS}:
            self.secret.append(answer.content)  # whoever asks here is to see it
        else:
            self.answers.append((told, headers.encode() + b"\n" + answer.content))
        return answer

    async def sent(self, order: Order) -> httpx.Response:
        owner = bearer(self.installation.home, Role.OWNER, order.owner) if order.owner else {}
        headers = {**order.headers, **owner, **({"Idempotency-Key": order.key} if order.method == "POST" else {})}
        body: dict[str, Any] = {"json": order.body} if order.method != "GET" else {}
        if order.content is not None:
            body = {"content": order.content}
        return await self.request(order.service, order.method, order.path, headers=headers, **body)

    async def is_refused(self, order: Order) -> None:
        answer = await self.sent(order)
        assert answer.is_client_error, f"{order.method} {order.path}: {answer.text}"

    async def done(self, order: Order) -> Json:
        async def answered() -> httpx.Response | None:
            answer = await self.sent(order)
            return None if answer.status_code in {409, 422, 503} and _not_heard_yet(answer) else answer

        answer = await wait_until(answered, 60, f"an answer to {order.path}")
        assert answer.is_success, f"{order.method} {order.path}: {answer.text}"
        found: Json = answer.json()
        return found

    async def settles(self) -> None:
        """Wait until no file waits to be looked through."""

        async def looked_through() -> bool:
            found = await self.asked("registration", "/registration/imports?limit=100")
            return all(one["state"] not in {"uploaded", "previewing", "importing"} for one in found["items"])

        await wait_until(looked_through, 60, "files to be looked through")

    async def newest_code(self) -> str:
        running, keys = self.installation.running, KeyStore(self.installation.home)
        async with oracle.opened(running.database_url, running.redis_url) as found:
            made = await found.stores["notifications"].fetchval("SELECT id FROM sign_in_code ORDER BY id DESC LIMIT 1")
        return code_of(Vault(keys.master, keys.personal), made)

    async def sent_by_text(self, owner_id: str) -> str:
        running = self.installation.running
        async with oracle.opened(running.database_url, running.redis_url) as found:
            return await oracle.text_in_doubt(found.stores["notifications"], owner_id)

    def of_a_page(self) -> dict[str, str]:
        return of_a_page(self.installation.home, Role.PROVINCE_STAFF, "kantor", "19")

    async def is_of_a_colleague(self, broadcast_id: str) -> None:
        running = self.installation.running
        async with oracle.opened(running.database_url, running.redis_url) as found:
            await oracle.of_a_colleague(found.stores["notifications"], broadcast_id)

    async def asked(self, service: str, path: str) -> Json:
        answer = await self.request(service, "GET", path)
        assert answer.is_success, answer.text
        found: Json = answer.json()
        return found

    async def asked_for_file(self, path: str) -> None:
        answer = await self.request("registration", "GET", path)
        assert answer.is_success, answer.text

    async def rests(self) -> None:
        await self.installation.is_at_rest()


def _not_heard_yet(answer: httpx.Response) -> bool:
    return any(error["code"] == "unknown_business" for error in answer.json().get("errors", ()))


@dataclass
class Aftermath:
    """Everything that is left once everybody has gone through everything."""

    installation: Installation
    office: Office
    people: list[Invented]
    mail: MailServer
    metrics: dict[str, bytes]

    async def haystacks(self) -> AsyncIterator[tuple[str, bytes]]:
        """Give everything that is searched, by name."""
        running = self.installation.running
        async with oracle.opened(running.database_url, running.redis_url) as found:
            for service, store in found.stores.items():
                async for table, rows in dumped(store):
                    yield f"{service}: {table}", rows
        redis = connect(running.redis_url)
        async for key, content in redis_dumped(redis):
            yield f"redis: {key}", content
        await redis.aclose()
        for process in [self.installation.servers, *self.installation.processes]:
            yield f"log {process.log.name}", process.log.read_bytes()
        for path in sorted(self.installation.home.rglob("*.log")):
            yield f"log {path.name}", path.read_bytes()
        for service, content in self.metrics.items():
            yield f"metrics of {service}", content
        for told, content in self.office.answers:
            yield f"the answer to {told}", told.encode() + b"\n" + content
        for letter in self.mail.letters:
            yield "a letter", letter.as_bytes()

    async def found(self, sought: Needles) -> list[str]:
        return [f"{where}: {what}" async for where, content in self.haystacks() for what in sought.found(content)]


@pytest_asyncio.fixture(scope="module")
async def aftermath() -> AsyncIterator[Aftermath]:
    async with AsyncExitStack() as stack:
        mail = await stack.enter_async_context(MailServer().serving())
        given = {"SMTP_URL": f"smtp://{LOOPBACK}:{mail.port}", "SMS_HOOK_SECRET": SMS_HOOK_SECRET}
        installation = await stack.enter_async_context(installed(**given))
        token = partial(bearer, installation.home)
        people = [Invented(no) for no in range(PEOPLE)]
        async with httpx.AsyncClient(headers=token(Role.PROVINCE_STAFF, "staff-19", "19"), timeout=60) as http:
            office = Office(installation, http)
            registered = await _register(office, people)
            await _know_them(office, people, registered, token)
            await _survey_them(office, people, registered)
            await _import_them(office, people)
            await _their_own(office, people, registered, token)
            await _work_with_them(office, [UUID(one["id"]) for one in registered])
            await _every_order(office)
            await _every_question(office, registered)
            await installation.is_at_rest()
            metrics = {
                service: (await http.get(f"{url}/metrics")).content for service, url in installation.urls.items()
            }
            yield Aftermath(installation, office, people, mail, metrics)


async def _register(office: Office, people: list[Invented]) -> list[Json]:
    async def one(person: Invented) -> Json:
        return await office.done(
            Order(
                "registration",
                "POST",
                "/registration/businesses",
                {
                    "name": f"Usaha Kenari {person.no}",
                    "sector": "garment",
                    "region": "19.71",
                    "workers": 3,
                    "annual_sales_rupiah": person.sales,
                    "owner": {
                        "name": person.name,
                        "nik": person.nik,
                        "phone": person.phone,
                        "email": f"kenari-{person.no}@contoh.example",
                    },
                },
            )
        )

    return [business for start in range(0, len(people), 10)
            for business in await asyncio.gather(*(one(person) for person in people[start : start + 10]))]  # fmt: skip


async def _know_them(office: Office, people: list[Invented], registered: list[Json], token: Any) -> None:
    """Change what is known of them, give them family cards, look behind masks; and make the mistakes people make."""
    for person, business in zip(people, registered, strict=True):
        path, owner = f"/registration/businesses/{business['id']}", f"/registration/owners/{business['owner_id']}"
        for kk, since in ((person.kk, "2019-01-01"), (person.new_kk, "2020-09-01")):
            await office.done(Order("registration", "POST", f"{owner}/kk", {"kk": kk, "since": since}))
        if person.no % 2:
            news = {"annual_sales_rupiah": person.new_sales, "owner": {"nik": person.new_nik}}
            await office.done(Order("registration", "PATCH", path, news, {"If-Match": '"1"'}))
        if person.no < REVEALED_MAX:
            secret = ("nik", "kk", "annual_sales")[person.no % 3]
            asked = {"field": secret, "reason": REASON}
            reader = token(Role.TURNOVER_READER, "turnover-19", "19") if secret == "annual_sales" else {}
            await office.done(Order("registration", "POST", f"{owner}/reveal", asked, reader))
    one, two = people[0], people[2]
    owner_id = registered[0]["owner_id"]
    mistakes: list[tuple[str, str, Json, dict[str, str]]] = [
        ("POST", "/registration/businesses", {"name": "X", "sector": "food", "region": "19.71",
         "owner": {"name": "Orang Lain", "nik": one.nik}}, {}),
        ("POST", "/registration/businesses", {"name": "X", "sector": "food", "region": one.nik,
         "owner": {"name": one.nik + "9", "nik": one.nik + "9", "phone": one.kk}}, {}),
        ("PATCH", f"/registration/businesses/{registered[2]['id']}", {"owner": {"nik": one.nik}}, {"If-Match": '"1"'}),
        ("POST", f"/registration/owners/{owner_id}/kk", {"kk": one.new_kk}, {}),
        ("POST", f"/registration/owners/{owner_id}/kk", {"kk": two.kk + "1"}, {}),
        ("POST", f"/registration/owners/{owner_id}/reveal", {"field": one.nik, "reason": ""}, {}),
    ]  # fmt: skip
    for method, path, body, headers in mistakes:
        answer = await office.request("registration", method, path, json=body, headers=headers)
        assert answer.is_client_error, answer.text
    broken = await office.request(
        "registration", "POST", "/registration/businesses", content=f'{{"nik": "{one.nik}"'.encode(),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert broken.is_client_error


async def _survey_them(office: Office, people: list[Invented], registered: list[Json]) -> None:
    """Take the answer of half of them as staff do, of the others from a file; with mistakes, an export, the figures."""
    today = wib_day(datetime.now(UTC))
    plan = {
        "title": "Survei kenari", "region": "19.71", "opens_on": f"{today - timedelta(days=1)}",
        "closes_on": f"{today + timedelta(days=9)}", "before_month": "2020-02", "now_month": "2020-04",
    }  # fmt: skip
    survey = await office.done(Order("registration", "POST", "/registration/surveys", plan))
    path = f"/registration/surveys/{survey['id']}"
    both = list(zip(people, registered, strict=True))
    for person, business in both[::2]:
        told = {"turnover_before_rupiah": person.turnover_before, "turnover_now_rupiah": person.turnover_now}
        answer = {"business_id": business["id"], "status": "running", **told}
        await office.done(Order("registration", "POST", f"{path}/answers", answer))
    wrong = {
        "business_id": registered[0]["id"],
        "status": "running",
        "turnover_before_rupiah": f"{people[0].turnover_now}x",
    }
    await office.is_refused(Order("registration", "POST", f"{path}/answers", wrong))
    lines = ["NIK;Nama usaha;Keadaan;Omzet sebelum;Omzet sekarang"]
    for person, _ in both[1::2]:
        begins, now_told = f"{person.new_nik};Usaha Kenari {person.no}", f"{person.turnover_now:,}".replace(",", ".")
        lines.append(f"{begins};berjalan;{person.turnover_before};{now_told}")
    for person, _ in both[1:9:2]:
        lines.append(f"{person.new_nik}1;Usaha Kenari {person.no};senang;{person.turnover_before},5;-")
    await _carried_out(office, f"{path}/imports", lines, new=len(both[1::2]))
    for kind in ("csv", "xlsx"):
        await office.asked_for_file(f"{path}/answers/export?format={kind}")
    for question in ("answers?limit=200", "summary", "series", "said-closed"):
        await office.asked("registration", f"{path}/{question}")
    await office.asked("registration", "/registration/needs?limit=200")


async def _import_them(office: Office, people: list[Invented]) -> None:
    """Send a file in which they stand as they are known, and one in which all that can be wrong is wrong."""
    head = "NIK;Nama usaha;Sektor;Wilayah;Pemilik;Omzet"
    known = [
        f"{person.new_nik if person.no % 2 else person.nik};Usaha Kenari {person.no};garment;19.71;{person.name};"
        f"{person.new_sales if person.no % 2 else person.sales}"
        for person in people
    ]
    await _carried_out(office, "/registration/imports", [head, *known], unchanged=len(people))
    wrong = [
        f"{person.nik[:15]}x;{person.nik};{person.kk};{person.nik};{person.name};{person.sales},7"
        for person in people[:20]
    ]
    await _carried_out(office, "/registration/imports", [head, *wrong], refused=len(wrong))
    await office.asked_for_file("/registration/businesses/export?format=csv")


async def _carried_out(office: Office, path: str, lines: list[str], **counts: int) -> None:
    file = {"Content-Type": "text/csv"}
    sent = await office.done(Order("registration", "POST", path, headers=file, content="\r\n".join(lines).encode()))
    await office.settles()
    of_it = f"/registration/imports/{sent['id']}"
    await office.done(Order("registration", "POST", f"{of_it}/start", {"mode": "good_rows"}))
    await office.settles()
    done = await office.asked("registration", of_it)
    assert {name: done[name] for name in counts} == counts, done
    await office.asked("registration", f"{of_it}/errors?limit=500")
    await office.asked_for_file(f"{of_it}/file")


async def _their_own(office: Office, people: list[Invented], registered: list[Json], token: Any) -> None:
    """Let some of them read what is theirs."""
    for person, business in list(zip(people, registered, strict=True))[:10]:
        headers = token(Role.OWNER, business["owner_id"])
        own = await office.request("registration", "GET", OWN_SALES, headers=headers)
        assert str(person.new_sales if person.no % 2 else person.sales) in own.text
        answers = await office.request("registration", "GET", OWN_ANSWERS, headers=headers)
        assert str(person.turnover_now) in answers.text
        for service, path in (
            ("registration", "/registration/my/reveals"),
            ("notifications", "/notifications/inbox"),
            ("aid_distribution", "/aid/my/production-orders"),
        ):
            answer = await office.request(service, "GET", path, headers=headers)
            assert answer.is_success, answer.text


async def _work_with_them(office: Office, businesses: list[UUID]) -> None:
    """Hand out to all of them, and let ten sew masks, of whom one declines and the others are paid."""
    for place, business in enumerate(businesses[:10]):
        call = await office.done(await call_for_production(office))
        offer = {"call": call["id"], "business": str(business), "quantity": 7, "reason": REASON}
        order = await office.done(Order("aid_distribution", "POST", "/aid/production-orders", offer))
        path = f"/aid/production-orders/{order['id']}"
        if place == 0:
            await office.done(Order("aid_distribution", "POST", f"{path}/decline", {"reason": "Mesin rusak"}))
            continue
        await office.done(Order("aid_distribution", "POST", f"{path}/acceptance"))
        found = {"layers": 2, "accepted": 7, "rejected": 0, "reasons": []}
        delivery = {"occurred_at": now(), "quantity": 7, "inspection": found}
        await office.done(Order("aid_distribution", "POST", f"{path}/deliveries", delivery))
        payment = {"amount_rupiah": 35_000, "paid_at": now(), "reference": f"SP2D-K{place}"}
        await office.done(Order("aid_distribution", "POST", f"{path}/payments", payment))
    for start in range(0, len(businesses), 25):
        some = [str(one) for one in businesses[start : start + 25]]
        hand_out = {
            "programme": "free-masks",
            "place": "WH-19.71",
            "occurred_at": now(),
            "lines": [{"item": "MASK-CLOTH", "quantity": len(some)}],
            "recipients": {"public": 1, "businesses": some},
            "evidence": {"signature_name": "Kenari Penguji 0"},
        }
        given = await office.done(Order("aid_distribution", "POST", "/aid/distributions", hand_out))
        await office.request("aid_distribution", "GET", f"/aid/postings/{given['posting_id']}/paper")
        await office.request("aid_distribution", "GET", f"/aid/distributions/{given['id']}/evidence")


async def _every_order(office: Office) -> None:
    """Give an order at every writing route there is."""
    for name, recipe in ORDERS.items():
        try:
            await office.done(await recipe(office))
        except AssertionError as fault:
            raise AssertionError(f"{name}: {fault}") from fault


async def _every_question(office: Office, registered: list[Json]) -> None:
    """Ask every question that needs no name, and those about one of them; live feeds and exports too."""
    named = {"business_id": registered[0]["id"], "owner_id": registered[0]["owner_id"]}
    fixed = {"place": "WH-19.71", "item": "MASK-CLOTH", "partition": "0"}
    for service in SERVICES:
        for route in service.declared:
            if route.method != "GET" or not route.path_parameters.keys() <= {*named, *fixed}:
                continue
            path = route.path.format(**named, **fixed)
            ends = {"wait_seconds": 0} if route.shows or route.watches else None  # a live feed would not end by itself
            await office.request(service.name, "GET", path, params=ends)
    for media in ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"):
        path = "/aid/cards/WH-19.71/MASK-CLOTH/export"
        await office.request("aid_distribution", "GET", path, headers={"Accept": media})
    looked_for = {"q": "Kenari", "limit": 100}
    answer = await office.request("registration", "GET", "/registration/businesses", params=looked_for)
    assert len(answer.json()["items"]) == PEOPLE


async def test_no_number_of_anybody_stands_anywhere_in_plain(aftermath: Aftermath) -> None:
    assert await aftermath.found(needles(aftermath.people)) == []


async def test_what_was_meant_to_be_seen_was_seen(aftermath: Aftermath) -> None:
    sought = needles(aftermath.people)
    told = {what for answer in aftermath.office.secret for what in sought.found(answer)}
    for kind in ("nik", "kk", "sales", "turnover"):
        assert any(what.startswith(kind) for what in told), f"nobody has looked at any {kind}"


async def test_no_telephone_number_stands_in_a_log_a_metric_or_an_address(aftermath: Aftermath) -> None:
    digits = [person.phone.removeprefix("+62") for person in aftermath.people]
    wrong = []
    async for where, content in aftermath.haystacks():
        if where.startswith(("log", "metrics")):
            wrong += [f"{where}: {one}" for one in digits if one.encode() in content]
    wrong += [told for told, _ in aftermath.office.answers for one in digits if one in told]
    assert wrong == []


async def test_a_number_in_one_row_one_entry_or_one_line_is_found(aftermath: Aftermath) -> None:
    person, running = aftermath.people[7], aftermath.installation.running
    sought = needles([person])
    event = msgspec.msgpack.encode({"annual_sales_rupiah": person.sales})
    redis = connect(running.redis_url)
    await redis.xadd("canary:control", {"data": event})
    log = aftermath.installation.home.parent / "registration.log"
    with log.open("a") as line:
        line.write(f'{{"event": "control", "kk": "{person.new_kk}"}}\n')
    async with oracle.opened(running.database_url, running.redis_url) as found:
        store = found.stores["notifications"]
        row = await store.fetchval("SELECT id FROM message LIMIT 1")
        before = await store.fetchval("SELECT body FROM message WHERE id = $1", row)
        await store.execute("UPDATE message SET body = $2 WHERE id = $1", row, f"NIK {person.new_nik}")
        planted = await aftermath.found(sought)
        await store.execute("UPDATE message SET body = $2 WHERE id = $1", row, before)
    await redis.delete("canary:control")
    await redis.aclose()
    for where, what in (("notifications: message", "nik"), ("redis: stream", "sales"), ("log registration.log", "kk")):
        assert any(one.startswith(where) and f": {what} ending" in one for one in planted), (where, planted)


@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"xyz"])
def test_every_form_of_a_number_is_recognised(before: bytes) -> None:
    person = Invented(3)
    sought = needles([person])
    for text in (person.nik, person.kk, str(person.sales)):
        for hidden in (
            text.encode(),
            b64encode(before + text.encode() + b"tail"),
            (before + text.encode()).hex().encode(),
            msgspec.msgpack.encode({"n": int(text)}),
            f"{int(text):,}".encode(),
        ):
            assert sought.found(before + hidden + b"..."), (text, hidden)
    assert sought.found(before + str(uuid4()).encode()) == []
