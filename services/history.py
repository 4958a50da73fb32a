"""A long history for a demo: so many movements over its places, items, lots and days, as if they had been posted.

The journal, its documents and their numbers are written by a few statements for each stretch of time, the cards and
days worked out from it as `serumpun stock rebuild` does; so a million movements take a minute and verify holds.
Nobody is told of them: they are no events, and reach no inbox.

Units: quantities in the item's base unit
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import pool, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.distributions import audit as distributions
from services.aid_distribution.ledger import rebuild as ledger
from services.aid_distribution.ledger.chain import FORM, START, Head, Header, OwnLine, Said, following
from shared.clock import Clock
from shared.province import Province
from shared.settings import Settings

Report = Callable[[str], None]

MOVEMENTS_PER_STATEMENT = 50_000
DAYS = 730
STATEMENT_TIMEOUT_SECONDS = 600
"""Working out every card anew reads the whole journal, a few times over."""
CONNECT_TIMEOUT_SECONDS = 5
LOTS = ("", "HISTORY-1", "HISTORY-2")
DOCUMENT = "DEMO"
ACTOR = "operator"


class NoDemo(Exception):
    """The installation holds what no demo holds, so nothing is made up in it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded: how many movements, on how many cards, from when to when."""

    movements: int
    cards: int
    begins: datetime
    ends: datetime


# Each card in turns: in comes four times what then goes out three times, so that it is never negative. A card that was
# counted is left alone: its count would have to take up whatever is written before it; and so are the cards of coupons,
# of which there are as many as were given.
SPREAD = (
    """
    CREATE TEMP TABLE history_card ON COMMIT DROP AS
    SELECT row_number() OVER (ORDER BY p.code, i.code, lots.lot) - 1 AS card, p.code AS place, p.region, i.code AS item,
           lots.lot,
           CASE i.category WHEN 'mask' THEN 'free-masks' WHEN 'staple' THEN 'cheap-market' WHEN 'kit' THEN 'training'
                           ELSE 'handwashing' END AS programme
    FROM place p CROSS JOIN item i CROSS JOIN unnest(CAST(:lots AS text[])) AS lots(lot)
    WHERE p.kind NOT IN ('virtual', 'reserved') AND NOT starts_with(i.code, 'COUPON-')
      AND NOT EXISTS (SELECT FROM count_line WHERE (place, item, count_line.lot) = (p.code, i.code, lots.lot))
    """,
    """
    INSERT INTO lot (item, lot) SELECT DISTINCT item, lot FROM history_card WHERE lot <> '' ON CONFLICT DO NOTHING
    """,
    """
    CREATE TEMP TABLE history_movement (n bigint, id uuid, number text, kind text, series text, month date, place text,
        region text, item text, lot text, quantity bigint, from_place text, to_place text, at timestamptz,
        reason text, programme text) ON COMMIT DROP
    """,
    "CREATE TEMP TABLE history_link (n bigint PRIMARY KEY, seq bigint, hash bytea) ON COMMIT DROP",
)
# The id of a movement is a UUIDv7 of its moment, so that rows lie in the order of time, as those of real postings do.
MOVE = """
    INSERT INTO history_movement
    SELECT n, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
               || substr(md5(:seed || n), 1, 3) || '8' || substr(md5(:seed || n), 4, 15))::uuid,
           '', kind, series, date_trunc('month', at AT TIME ZONE INTERVAL '7 hours')::date, place, region, item, lot,
           CASE step WHEN 0 THEN 4 ELSE 1 END * (1 + (round * 7919 + card * 104729) % 50),
           CASE step WHEN 0 THEN 'SUPPLIER' ELSE place END,
           CASE step WHEN 0 THEN place WHEN 3 THEN 'LOSS' ELSE 'PUBLIC' END, at,
           CASE step WHEN 0 THEN 'supplier' WHEN 3 THEN 'damaged' END, programme
    FROM (SELECT n, c.*, n / CAST(:cards AS bigint) / 4 AS round, n / CAST(:cards AS bigint) % 4 AS step,
                 CAST(:begins AS timestamptz) + n * (CAST(:span AS interval) / CAST(:movements AS bigint)) AS at
          FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n
          JOIN history_card c ON c.card = n % CAST(:cards AS bigint)) AS movement
    JOIN (VALUES (0, 'receipt', 'GR'), (1, 'distribution', 'DO'), (2, 'distribution', 'DO'), (3, 'issue', 'GI'))
         AS step_of(step, kind, series) USING (step)
"""
NUMBER = """
    WITH taken AS (
        INSERT INTO document_series AS s (office, month, kind, last)
        SELECT region, month, series, count(*) FROM history_movement GROUP BY 1, 2, 3
        ON CONFLICT (office, month, kind) DO UPDATE SET last = s.last + excluded.last
        RETURNING office, month, kind, last
    ), counted AS (
        SELECT n, row_number() OVER series_of AS place_in, count(*) OVER (PARTITION BY region, month, series) AS taken
        FROM history_movement WINDOW series_of AS (PARTITION BY region, month, series ORDER BY n)
    )
    UPDATE history_movement m
    SET number = concat_ws('-', to_char(m.month, 'YYYY-MM'), m.region, m.series,
        lpad((t.last - c.taken + c.place_in)::text, greatest(4, length((t.last - c.taken + c.place_in)::text)), '0'))
    FROM counted c, taken t WHERE c.n = m.n AND (t.office, t.month, t.kind) = (m.region, m.month, m.series)
"""
# What a posting says is hashed here, as when it is posted; what follows from it is written by one statement.
SAID = text(
    """
    SELECT n, region, id, number, kind, at, reason, item, lot, quantity, from_place, to_place
    FROM history_movement ORDER BY n
    """
)
LINK = text(
    """
    INSERT INTO history_link (n, seq, hash)
    SELECT * FROM unnest(CAST(:numbers AS bigint[]), CAST(:seqs AS bigint[]), CAST(:hashes AS bytea[]))
    """
)
HEADS = text("SELECT region, last_seq, last_hash FROM chain_head")
KEEP_HEADS = text(
    """
    INSERT INTO chain_head (region, last_seq, last_hash)
    SELECT * FROM unnest(CAST(:regions AS text[]), CAST(:seqs AS bigint[]), CAST(:hashes AS bytea[]))
    ON CONFLICT (region) DO UPDATE SET last_seq = excluded.last_seq, last_hash = excluded.last_hash
    """
)
POST = (
    """
    INSERT INTO posting (id, number, kind, region, occurred_at, recorded_at, actor, document, reason, chain_seq,
                         chain_hash, chain_form)
    SELECT id, number, kind, region, at, at, :actor, :document, reason, seq, hash, :form
    FROM history_movement JOIN history_link USING (n) ORDER BY n
    """,
    """
    INSERT INTO posting_line (posting_id, line_no, item, lot, quantity, from_place, to_place, occurred_at, recorded_at)
    SELECT id, 1, item, lot, quantity, from_place, to_place, at, at FROM history_movement ORDER BY n
    """,
    """
    INSERT INTO distribution (id, number, programme, place, region, occurred_at, recorded_at, actor, document,
                              public_heads, business_count, state, posting_id)
    SELECT id, number, programme, place, region, at, at, :actor, :document, quantity, 0, 'posted', id
    FROM history_movement WHERE kind = 'distribution' ORDER BY n
    """,
    "TRUNCATE history_movement, history_link",
)
TABLES = "posting, posting_line, distribution, document_series, card, card_day, handed_out_day"
LOCK = text("LOCK TABLE card, card_day, document_series, chain_head, handed_out_day IN SHARE ROW EXCLUSIVE MODE")
REGISTERS = text("SELECT to_regclass('business') IS NOT NULL")
FOREIGN = text("SELECT count(*) FROM business WHERE NOT (id = ANY(CAST(:ids AS uuid[])))")


async def load_demo(settings: Settings, province: Province, movements: int, report: Report) -> Loaded:
    """Load a history into an installation that is a demo; raises NoDemo where anybody but the demo's is registered."""
    await refuse_strangers(settings, province)
    return await load(settings.database_urls["aid_distribution"], movements, report)


async def refuse_strangers(settings: Settings, province: Province) -> None:
    """Raise NoDemo where anybody but the demo's is registered; a database that is still empty is nobody's."""
    registration = _engine(settings.database_urls["registration"])
    listed = {"ids": [one.id for one in province.businesses]}
    try:
        async with AsyncSession(registration) as session:
            registers = (await session.execute(REGISTERS)).scalar_one()
            strangers = (await session.execute(FOREIGN, listed)).scalar_one() if registers else 0
    finally:
        await registration.dispose()
    if strangers:
        raise NoDemo(f"{strangers} businesses are registered that {province.about.name} does not list: this is no demo")


async def load(url: str, movements: int, report: Report) -> Loaded:
    """Load a history into the store of aid_distribution, all of it or nothing; who posts meanwhile waits."""
    engine = _engine(url)
    ends = Clock().now() - timedelta(days=1)
    begins = ends - timedelta(days=DAYS)
    try:
        async with AsyncSession(engine) as session:
            cards = await _load(session, begins, movements, report)
            await session.commit()
        async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.execute(text(f"VACUUM ANALYZE {TABLES}"))
    finally:
        await engine.dispose()
    return Loaded(movements, cards, begins, ends)


async def _load(session: AsyncSession, begins: datetime, movements: int, report: Report) -> int:
    await session.execute(LOCK)
    prepare, *others = SPREAD
    await session.execute(text(prepare), {"lots": list(LOTS)})
    for statement in others:
        await session.execute(text(statement))
    cards = int((await session.execute(text("SELECT count(*) FROM history_card"))).scalar_one())
    spread = {
        "cards": cards,
        "begins": begins,
        "span": timedelta(days=DAYS),
        "movements": movements,
        "seed": begins.isoformat(),
    }
    heads = {region: Head(seq, hash_) for region, seq, hash_ in await session.execute(HEADS)}
    for first in range(0, movements, MOVEMENTS_PER_STATEMENT):
        last = min(first + MOVEMENTS_PER_STATEMENT, movements) - 1
        await session.execute(text(MOVE), spread | {"first": first, "last": last})
        await session.execute(text("ANALYZE history_movement"))
        await session.execute(text(NUMBER))
        await _link(session, heads)
        for statement in POST:
            values = {"document": DOCUMENT, "actor": ACTOR, "form": FORM}
            named = {name: value for name, value in values.items() if f":{name}" in statement}
            await session.execute(text(statement), named)
        report(f"{last + 1:,} of {movements:,} movements are in the journal")
    await _keep(session, heads)
    await ledger.rebuild(session)
    await distributions.rebuild(session)
    report(f"{cards:,} cards and their days are worked out")
    return cards


async def _link(session: AsyncSession, heads: dict[str, Head]) -> None:
    """Link the movements of one stretch to the chains of their regions."""
    numbers: list[int] = []
    links: list[Head] = []
    for row in await session.execute(SAID):
        header = Header(row.id, row.number, row.kind, row.at, row.at, ACTOR, DOCUMENT, row.reason, None)
        line = OwnLine(1, row.item, row.lot, row.quantity, row.from_place, row.to_place, row.at, row.at)
        link = following(heads.get(row.region, START), Said(row.region, header, [line], form=FORM))
        heads[row.region] = link
        numbers.append(row.n)
        links.append(link)
    await session.execute(LINK, {"numbers": numbers} | _columns(links))


async def _keep(session: AsyncSession, heads: dict[str, Head]) -> None:
    await session.execute(KEEP_HEADS, {"regions": list(heads)} | _columns(heads.values()))


def _columns(links: Iterable[Head]) -> dict[str, list[object]]:
    seqs, hashes = zip(*links, strict=True)
    return {"seqs": list(seqs), "hashes": list(hashes)}


def _engine(url: str) -> AsyncEngine:
    return create_async_engine(
        url,
        poolclass=pool.NullPool,
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT_SECONDS,
            "command_timeout": STATEMENT_TIMEOUT_SECONDS,
            "server_settings": {"statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s", "lock_timeout": "10s"},
        },
    )
