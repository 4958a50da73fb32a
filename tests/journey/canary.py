"""Invented people with numbers that stand nowhere by chance, every form in which one could be found, and where to look.

Numbers of a kind begin alike, so that a haystack is searched for few beginnings first, and only where one of them
stands for every single number.
"""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import asyncpg
from redis.asyncio import Redis

PEOPLE = 100
CHUNK_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Invented:
    """Somebody who does not exist; no district 19.71.88 does, so no number of theirs is anybody's."""

    no: int

    @property
    def name(self) -> str:
        return f"Kenari Penguji {self.no}"

    @property
    def nik(self) -> str:
        return f"197188{self.no % 28 + 1:02}0785{4000 + self.no:04}"

    @property
    def new_nik(self) -> str:
        return f"197188{self.no % 28 + 1:02}0785{6000 + self.no:04}"

    @property
    def kk(self) -> str:
        return f"197187{self.no % 28 + 1:02}0812{5000 + self.no:04}"

    @property
    def new_kk(self) -> str:
        return f"197187{self.no % 28 + 1:02}0912{7000 + self.no:04}"

    @property
    def sales(self) -> int:
        return 86_420_975_310_000 + self.no

    @property
    def new_sales(self) -> int:
        return 86_420_975_320_000 + self.no

    @property
    def turnover_before(self) -> int:
        return 7_531_908_640_000 + self.no

    @property
    def turnover_now(self) -> int:
        return 2_531_908_650_000 + self.no

    @property
    def phone(self) -> str:
        return f"+62834008{8000 + self.no:04}"

    @property
    def sealed(self) -> dict[str, list[str]]:
        """Give what may stand nowhere in plain, by kind."""
        return {
            "nik": [self.nik, self.new_nik],
            "kk": [self.kk, self.new_kk],
            "sales": [str(self.sales), str(self.new_sales)],
            "turnover": [str(self.turnover_before), str(self.turnover_now)],
        }


def forms(number: str) -> Iterator[tuple[str, bytes]]:
    """Give the forms in which a number of digits could stand: as text, and as an integer of the wire or of a store."""
    text, eight = number.encode(), int(number.lstrip("+")).to_bytes(8, "big")
    yield "plain", text
    yield "grouped", f"{int(number):,}".encode()
    yield "hex", text.hex().encode()
    yield "HEX", text.hex().upper().encode()
    for shift in range(3):
        # What base64 makes of the digits, whatever stands before them: without the letters that their neighbours share.
        letters = b64encode(b"\0" * shift + text)
        yield f"base64 + {shift}", letters[4 if shift else 0 : len(letters) // 4 * 4 - 4]
    yield "integer", eight
    yield "integer in hex", eight.hex().encode()
    yield "integer backwards in hex", eight[::-1].hex().encode()
    yield "MessagePack", b"\xcf" + eight


class Needles:
    """What is searched for; `found` says what of it stands in a haystack."""

    def __init__(self, numbers: Mapping[str, Iterable[str]]) -> None:
        """Take the numbers by kind."""
        self._needles: dict[bytes, str] = {}
        for kind, each in numbers.items():
            for number in each:
                for form, needle in forms(number):
                    self._needles[needle] = f"{kind} ending in {number[-4:]}, {form}"
        # Every needle of a form begins alike or nearly so: a haystack without any beginning holds none of them.
        self._beginnings = {needle[:5] for needle in self._needles}

    def found(self, haystack: bytes) -> list[str]:
        """Name what stands there, by kind, last digits and form."""
        beginnings = [one for one in self._beginnings if one in haystack]
        near = tuple(beginnings)
        return [told for needle, told in self._needles.items() if needle.startswith(near) and needle in haystack]


def needles(people: Iterable[Invented]) -> Needles:
    """Give what may stand nowhere in plain of these people."""
    numbers: dict[str, list[str]] = {}
    for one in people:
        for kind, values in one.sealed.items():
            numbers.setdefault(kind, []).extend(values)
    return Needles(numbers)


TABLES = """
    SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1
"""


async def dumped(store: asyncpg.Connection) -> AsyncIterator[tuple[str, bytes]]:
    """Give every table of a database, piece by piece, as a dump writes it and with every bytes column as it is."""
    async with store.transaction():
        for (table,) in await store.fetch(TABLES):
            part = count(1)
            rows: list[bytes] = []
            async for row in store.cursor(f"SELECT whole.* FROM {table} AS whole"):  # noqa: S608  from the catalogue
                rows.append(b"\t".join(_field(value) for value in row.values()))
                if len(rows) >= CHUNK_ROWS:
                    yield f"{table} part {next(part)}", b"\n".join(rows)
                    rows.clear()
            yield f"{table} part {next(part)}", b"\n".join(rows)


def _field(value: object) -> bytes:
    if isinstance(value, bytes):
        return value + b"\t" + value.hex().encode()
    return json.dumps(value, default=str, ensure_ascii=False).encode()


async def redis_dumped(redis: Redis) -> AsyncIterator[tuple[str, bytes]]:
    """Give everything that stands in Redis, key by key."""
    async for key in redis.scan_iter():
        kind = (await redis.type(key)).decode()
        match kind:
            case "stream":
                entries = await redis.xrange(key)
                content = b"\n".join(b"\t".join([at, *(part for pair in fields.items() for part in pair)])
                                     for at, fields in entries)  # fmt: skip
            case "hash":
                content = b"\n".join(part for pair in (await redis.hgetall(key)).items() for part in pair)
            case "string":
                content = await redis.get(key) or b""
            case _:
                content = await redis.dump(key) or b""
        yield f"{kind} {key.decode(errors='replace')}", key + b"\n" + content
