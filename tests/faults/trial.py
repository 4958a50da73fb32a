"""An installation on trial: three services that die where they are told to, and everything that can be seen of them."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx

from services.aid_distribution.main import WATCHES
from services.notifications.signin.handlers import code_of
from shared import stream
from shared.caller import Role
from shared.contracts import SUBSCRIPTIONS, Event
from shared.keys import KeyStore
from shared.privacy import Vault
from shared.settings import SERVICES
from shared.stream import stream_name
from tests.faults import oracle
from tests.faults.lives import Lives
from tests.faults.orders.giving import Json, Order, Recipe
from tests.faults.phones import AGAIN
from tests.notifications.mail_server import MailServer
from tests.processes import bearer, of_a_page
from tests.waiting import wait_until

REST_SECONDS_MAX = 90
RETRY_SECONDS_MAX = 60
KILLED = -9
CALLER = "staff-19"

LETTERS = {"accepted": (1,), "unknown": (0, 1)}
"""How often a letter may have been handed over in each state; in all others never."""

UNTOLD = """
    SELECT 1 FROM stock_level l
    CROSS JOIN LATERAL (SELECT coalesce(sum(on_hand), 0) AS on_hand FROM card c LEFT JOIN lot t USING (item, lot)
                        WHERE c.place = l.place AND c.item = l.item AND NOT coalesce(t.held, false)
                        AND coalesce(t.expires_on >= (now() AT TIME ZONE INTERVAL '7 hours')::date, true)) h
    CROSS JOIN LATERAL (SELECT coalesce(array_agg(kind), '{}') AS kinds FROM alert a
                        WHERE (a.place, a.item) = (l.place, l.item) AND kind IN ('low', 'out') AND cleared_at IS NULL) o
    WHERE (h.on_hand <= l.low_at AND kinds = '{}') OR (h.on_hand = 0 AND NOT 'out' = ANY(kinds))
       OR (h.on_hand > l.ok_at AND kinds <> '{}')
       OR EXISTS (SELECT FROM card c JOIN lot USING (item, lot) WHERE (c.place, c.item) = (l.place, l.item)
                  AND c.on_hand > 0 AND expires_on <= CURRENT_DATE + l.expires_within_days
                  AND NOT EXISTS (SELECT FROM alert a WHERE (a.place, a.item, a.lot) = (c.place, c.item, c.lot)
                                  AND a.kind = 'expiring' AND cleared_at IS NULL))
"""
"""Finds a shelf of which the next sweep has something to tell."""

OR_NOT_SO = (
    "SELECT 1 FROM ({lasting}) d FULL JOIN (SELECT subject FROM alert WHERE kind = '{kind}' AND cleared_at IS NULL) a"
    " USING (subject) WHERE a.subject IS NULL OR d.subject IS NULL"
)
UNALERTED = " UNION ALL ".join(
    OR_NOT_SO.format(kind=kind, lasting=lasting.replace(":now", "now()")) for kind, lasting in WATCHES.items()
)
"""Finds what else is or is not as it should be, and of which the next sweep has something to tell."""

IMPORTING = (
    "SELECT 1 FROM business_import WHERE state IN ('uploaded', 'previewing', 'importing')"
    " UNION ALL SELECT 1 FROM duplicate_check"
)
"""Finds an import on which somebody works still."""

OVER = "UPDATE enrolment SET answer_by = now() WHERE training_id = $1 AND state = 'offered'"

TELLING = (
    "SELECT 1 FROM broadcast WHERE state = 'running' AND coalesce(starts_at <= now(), true)"
    " UNION ALL SELECT 1 FROM sign_in_code WHERE phone_held IS NOT NULL"
)
"""Finds a broadcast of which somebody is to be told still, or a code that was not sent yet."""

OVERDUE = "SELECT 1 FROM stock_exception WHERE state = 'open' AND due_at <= now() AND overdue_told_at IS NULL"
"""Finds an exception of which the next sweep has something to tell."""

Footprint = Mapping[str, int]
"""How many rows more there are of each table, by `service.table`; tables without any are left out."""

BY_THE_CLOCK = ("aid_distribution.signed_head", "aid_distribution.ledger_audit")
"""Tables to which time adds rows, whatever is ordered meanwhile."""


@dataclass(slots=True)
class Trial:
    """Three services, each with its lives, and the people and questions around them."""

    admin_url: str
    lives: Mapping[str, Lives]
    urls: Mapping[str, str]
    http: httpx.AsyncClient
    home: Path
    mail: MailServer
    found: oracle.Installation
    tables: Mapping[str, list[str]]
    footprints: dict[Recipe, Footprint] = field(default_factory=dict)
    restless: bool = True

    async def send(self, order: Order) -> httpx.Response | None:
        """Send an order once; None when the service died over it."""
        owner = bearer(self.home, Role.OWNER, order.owner) if order.owner else {}
        headers = {**order.headers, **owner, **({"Idempotency-Key": order.key} if order.method == "POST" else {})}
        body = {"json": order.body} if order.method != "GET" else {}
        if order.content is not None:
            body = {"content": order.content}
        try:
            url = f"{self.urls[order.service]}{order.path}"
            return await self.http.request(order.method, url, headers=headers, **body)  # type: ignore[arg-type]
        except httpx.TransportError:
            return None

    async def sent_until_answered(self, order: Order) -> httpx.Response:
        """Send an order again and again, as phones do."""

        async def answered() -> httpx.Response | None:
            answer = await self.send(order)
            return None if answer is None or (answer.is_error and answer.json()["code"] in AGAIN) else answer

        return await wait_until(answered, RETRY_SECONDS_MAX, f"an answer to {order.path}")

    async def done(self, order: Order) -> Json:
        """Give an order and return what it was answered."""
        answer = await self.send(order)
        assert answer is not None, f"{order.service} does not answer"
        assert answer.is_success, answer.text
        if order.service == "aid_distribution":
            await wait_until(self._has_told_of_shelves, description="what runs low to be told")
        return answer.json()

    async def is_refused(self, order: Order) -> None:
        """Give an order that is refused."""
        answer = await self.send(order)
        assert answer is not None, f"{order.service} does not answer"
        assert answer.is_client_error, answer.text

    async def _has_told_of_shelves(self) -> bool:
        return not await self._finds(UNTOLD, "aid_distribution") and not await self._finds(
            UNALERTED, "aid_distribution"
        )

    async def asked(self, service: str, path: str) -> Json:
        """Ask a question."""
        return (await self.http.get(f"{self.urls[service]}{path}")).raise_for_status().json()

    async def begin(self, service: str) -> None:
        """Begin a life that is not to die, and wait until it answers."""
        await self.passes_a_lease()
        await self.lives[service].begin()
        await self.lives[service].serves()

    async def rests(self) -> None:
        """Wait until every effect of everything has arrived; fails with what the oracle finds when it does not."""
        wrong: list[str] = []
        self.restless = True

        async def nothing_is_wrong() -> bool:
            if not await self.is_still():
                return False
            wrong[:] = [*await oracle.violations(self.found), *await self._letters_are_sent_once()]
            return not wrong

        try:
            await wait_until(nothing_is_wrong, REST_SECONDS_MAX, "the oracle to find nothing")
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *wrong[:20], *await self._positions()])) from None
        self.restless = False

    async def sent_by_text(self, owner_id: str) -> str:
        return await oracle.text_in_doubt(self.found.stores["notifications"], owner_id)

    async def newest_code(self) -> str:
        """Give the code that was made last for somebody who signs in, as the letter would show it."""
        made = await self.found.stores["notifications"].fetchval("SELECT id FROM sign_in_code ORDER BY id DESC LIMIT 1")
        keys = KeyStore(self.home)
        return code_of(Vault(keys.master, keys.personal), made)

    def of_a_page(self) -> dict[str, str]:
        return of_a_page(self.home, Role.PROVINCE_STAFF, CALLER, "19")

    async def let_time_to_answer_pass(self, training_id: str) -> None:
        """Let the offers of a training be over that nobody has answered."""
        await self.found.stores["registration"].execute(OVER, UUID(training_id))

    async def is_of_a_colleague(self, broadcast_id: str) -> None:
        await oracle.of_a_colleague(self.found.stores["notifications"], broadcast_id)

    async def settles(self) -> None:
        """Wait until every effect of everything has arrived, without asking whether they are right."""
        await wait_until(self.is_still, REST_SECONDS_MAX, "everything to arrive")

    async def rests_with_every_word_left(self) -> None:
        """Wait until consumers have also left word of where they are, which they do each second."""
        self.found.words_may_lag = False
        try:
            await self.rests()
        finally:
            self.found.words_may_lag = True

    async def is_still(self) -> bool:
        """Ask, cheaply, whether all has arrived that is on its way; in this order, for a letter follows its event."""
        return (
            await self._has_told_of_shelves()
            and not await self._finds(OVERDUE, "aid_distribution")
            and await self.has_heard_all()
            and not await self._finds("SELECT 1 FROM parked")
            and not await self._finds(IMPORTING, "registration")
            and not await self._finds(TELLING, "notifications")
            and not await self._finds("SELECT 1 FROM delivery WHERE state IN ('queued', 'sending')", "notifications")
            and await self.has_told_all("notifications")
        )

    async def _finds(self, question: str, *services: str) -> bool:
        return any([await self.found.stores[service].fetchval(question) for service in services or SERVICES])

    async def has_told_all(self, source: str) -> bool:
        """Tell whether the streams of a service end where its outbox does, also where nobody listens to them."""
        heads = await oracle.heads_of(self.found, source)
        tails = await stream.tails(self.found.redis, source, list(heads))
        return [tail.last for tail in tails] == list(heads.values())

    async def has_heard_all(self) -> bool:
        """Tell whether every service has passed all that the others have recorded."""
        heads = {service: await oracle.heads_of(self.found, service) for service in SERVICES}
        for service, sources in SUBSCRIPTIONS.items():
            due = {(source, partition, head) for source in sources for partition, head in heads[source].items() if head}
            rows = await self.found.stores[service].fetch("SELECT source, partition, last_seq FROM checkpoint")
            if due - {tuple(row) for row in rows}:
                return False
        return True

    async def _letters_are_sent_once(self) -> list[str]:
        seen = Counter(letter.strip("<>").partition("@")[0] for letter in self.mail.seen)
        # What a person has said of a letter in doubt leaves open whether the other side has it.
        state = "CASE WHEN resolved_by IS NULL THEN state ELSE 'unknown' END"
        rows = await self.found.stores["notifications"].fetch(f"SELECT id, {state} AS state FROM delivery")  # noqa: S608  ours
        return [
            f"the letter {row['id']}, {row['state']}, was handed over {seen[str(row['id'])]} times"
            for row in rows
            if seen[str(row["id"])] not in LETTERS.get(row["state"], (0,))
        ]

    async def _positions(self) -> list[str]:
        return [
            f"{service}: {await oracle.heads_of(self.found, service)} recorded, {[tuple(row) for row in rows]} consumed"
            for service, store in self.found.stores.items()
            for rows in [await store.fetch("SELECT source, partition, last_seq FROM checkpoint ORDER BY 1, 2")]
        ]

    async def ready_for(self, recipe: Recipe, count: int = 1) -> tuple[list[Order], Counter[str]]:
        """Give orders that nothing stands in the way of, and how many rows there are before them."""
        await self.footprint_of(recipe)
        orders = [await recipe(self) for _ in range(count)]
        await self.settles()
        return orders, await self.rows()

    async def footprint_of(self, recipe: Recipe) -> Footprint:
        """Give what an order leaves behind when nothing dies over it."""
        if recipe not in self.footprints:
            await self.footprint_anew(recipe)  # the first of its kind also opens cards and series that others share
            await self.footprint_anew(recipe)
        return self.footprints[recipe]

    async def footprint_anew(self, recipe: Recipe) -> Footprint:
        order = await recipe(self)
        await self.settles()
        before = await self.rows()
        await self.done(order)
        await self.settles()
        self.footprints[recipe] = more(before, await self.rows())
        return self.footprints[recipe]

    async def rows(self) -> Counter[str]:
        """Count the rows of every table; a letter that is or was in doubt counts as reported, as without a death."""
        counted: Counter[str] = Counter()
        for service, store in self.found.stores.items():
            tables = self.tables[service]
            question = " UNION ALL ".join(f"SELECT '{service}.{table}', count(*) FROM {table}" for table in tables)  # noqa: S608  ours
            counted.update(dict(tuple(row) for row in await store.fetch(question)))
        for table in BY_THE_CLOCK:
            counted.pop(table, None)
        in_doubt = "SELECT count(*) FROM delivery WHERE state = 'unknown' OR resolved_by IS NOT NULL"
        counted["notifications.outbox"] += await self.found.stores["notifications"].fetchval(in_doubt)
        return counted

    async def has_left(self, recipe: Recipe, before: Counter[str], count: int = 1) -> None:
        """See that orders have left behind what they would have, had nobody died."""
        grown = more(before, await self.rows())
        if grown == _times(await self.footprint_of(recipe), count):
            return
        due = _times(await self.footprint_anew(recipe), count)  # what the first of a day or a month opens came between
        assert grown == due, f"{recipe.__name__} left {grown} instead of {due}"

    async def has_consumed(self, service: str, event: type[Event]) -> bool:
        """Tell whether a service has passed the youngest event of a type."""
        partition, seq = await self._last_of(event)
        question = "SELECT last_seq FROM checkpoint WHERE (source, partition) = ($1, $2)"
        return (await self.found.stores[service].fetchval(question, event.source, partition) or 0) >= seq

    async def records_next(self, event: type[Event], act: Awaitable[object]) -> None:
        """Do something and wait until another event of a type is recorded, which may be an answer to it."""
        question = "SELECT count(*) FROM outbox WHERE type = $1"
        store = self.found.stores[event.source]
        before = await store.fetchval(question, event.type)
        await act

        async def recorded() -> bool:
            return await store.fetchval(question, event.type) > before

        await wait_until(recorded, description=f"{event.type} to be recorded")

    async def _last_of(self, event: type[Event]) -> tuple[int, int]:
        row = await self.found.stores[event.source].fetchrow(
            "SELECT partition, seq FROM outbox WHERE type = $1 ORDER BY id DESC LIMIT 1", event.type
        )
        assert row is not None, f"no {event.type} was recorded"
        return row["partition"], row["seq"]

    async def loses_from_the_stream(self, event: type[Event], news: Recipe) -> None:
        """Let the stream lose the youngest event of a type, which shows only as soon as a later one follows."""
        partition, seq = await self._last_of(event)
        while (await oracle.heads_of(self.found, event.source))[partition] == seq:
            await self.done(await news(self))
        name = stream_name(event.source, partition)
        await wait_until(lambda: self._stands(name, seq + 1), description="the later event to be sent")
        await self.found.redis.xtrim(name, minid=f"{seq + 1}-0", approximate=False)

    async def _stands(self, name: str, seq: int) -> bool:
        return bool(await self.found.redis.xrange(name, f"{seq}-0", count=1))

    async def break_handlers(self, service: str) -> None:
        """Let every handler of a service fail, whatever it writes, as a mistake in it would."""
        await self.found.stores[service].execute("INSERT INTO trial.broken VALUES (true)")

    async def mend_handlers(self, service: str) -> None:
        await self.found.stores[service].execute("DELETE FROM trial.broken")

    async def passes_a_lease(self) -> None:
        """Let the time pass after which whoever is silent, sending or importing, is taken for dead."""
        for service, table in (("notifications", "delivery"), ("registration", "business_import")):
            store = self.found.stores[service]
            async with store.transaction():
                await store.execute("SET LOCAL session_replication_role = replica")  # no trigger holds up the time
                await store.execute(f"UPDATE {table} SET leased_until = now() WHERE leased_until IS NOT NULL")  # noqa: S608

    async def ages(self, source: str) -> None:
        """Let the time pass for which events and answers are kept."""
        await self.found.stores[source].execute("UPDATE outbox SET time = time - interval '100 days'")
        await self.found.stores[source].execute("UPDATE idempotency SET created_at = created_at - interval '100 days'")

    async def is_pruned(self, source: str) -> bool:
        """Tell whether only the last event of each partition is left, in the outbox and in the stream."""
        partitions = await oracle.heads_of(self.found, source)
        left = [await self.found.redis.xlen(stream_name(source, partition)) for partition in partitions]
        rows = await self.found.stores[source].fetch("SELECT count(*) FROM outbox GROUP BY partition")
        return max([*left, *(row[0] for row in rows)]) <= 1

    async def has_something_to_prune(self, source: str, news: Recipe) -> None:
        """Leave a service without life, and with old events that everyone has passed."""
        for _ in range(2):
            await self.done(await news(self))
        await self.rests_with_every_word_left()
        await self.lives[source].kill()
        await self.ages(source)

    async def forgets_its_position(self, service: str, source: str) -> None:
        await self.found.stores[service].execute("DELETE FROM checkpoint WHERE source = $1", source)

    async def is_parked(self, service: str, event: type[Event]) -> bool:
        """Tell whether an event of a type is parked."""
        return await self.found.stores[service].fetchval("SELECT count(*) FROM parked WHERE type = $1", event.type) > 0

    async def makes_due(self, service: str) -> None:
        """Let the time pass after which parked events are tried again."""
        await self.found.stores[service].execute("UPDATE parked SET due_at = now() WHERE due_at IS NOT NULL")

    async def letter_of(self, fact: str) -> tuple[str, int]:
        """Give the state of the letter about a fact, and how often it was handed over."""
        row = await self.found.stores["notifications"].fetchrow(
            "SELECT delivery.id, state FROM delivery JOIN message ON message.id = message_id WHERE fact = $1", fact
        )
        return row["state"], sum(str(row["id"]) in letter for letter in self.mail.seen)

    @asynccontextmanager
    async def restored_to_now(self, service: str) -> AsyncIterator[None]:
        """Take a backup of a service that has no life, and restore it at the end of the block."""
        name = f"serumpun_{service}"
        await self.found.stores[service].close()
        async with administrator(self.admin_url) as connection:
            await connection.execute(f"CREATE DATABASE backup TEMPLATE {name} OWNER {name}")
        await self._look_again(service)
        yield
        await self.found.stores[service].close()
        async with administrator(self.admin_url) as connection:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            await connection.execute(f"ALTER DATABASE backup RENAME TO {name}")
        await self._look_again(service)

    async def _look_again(self, service: str) -> None:
        stores = dict(self.found.stores)
        stores[service] = await asyncpg.connect(oracle.address(self.admin_url, f"serumpun_{service}"))
        self.found.stores = stores

    async def begin_anew(self, service: str) -> None:
        """End a life that was armed and did not have to die, and begin one that is not."""
        await self.lives[service].kill()
        await self.begin(service)

    async def stop(self) -> None:
        for lives in self.lives.values():
            await lives.kill()


def _times(footprint: Footprint, count: int) -> Footprint:
    return {table: rows * count for table, rows in footprint.items()}


def more(before: Counter[str], after: Counter[str]) -> Footprint:
    """Give by how many rows each table has grown."""
    return dict(after - before)


async def tables_of(store: asyncpg.Connection) -> list[str]:
    rows = await store.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return [row["tablename"] for row in rows]


@asynccontextmanager
async def administrator(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Open a connection that may make and drop databases."""
    connection = await asyncpg.connect(oracle.address(url, "postgres"))
    try:
        yield connection
    finally:
        await connection.close()
