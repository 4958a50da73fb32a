"""What is stored of limits, what businesses received, and the row that stands for a business while it is counted."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, ForeignKey, Index, Integer, Text, Uuid, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.distributions.limit_rules import (
    PERIOD_DAYS_MAX,
    TIMES_MAX,
    Back,
    Handout,
    RecipientLimit,
)
from services.aid_distribution.ledger.domain import QUANTITY_MAX
from services.aid_distribution.ledger.programmes import PROGRAMMES_SQL
from shared.clock import wib_day


class RecipientLimitRow(SQLModel, table=True):
    """A limit; its figures never change, so that what was decided by it can be explained: it is ended instead."""

    __tablename__ = "recipient_limit"
    __table_args__ = (
        CheckConstraint(f"programme IN ({PROGRAMMES_SQL})", name="recipient_limit_programme_known"),
        CheckConstraint("quantity_max IS NOT NULL OR times_max IS NOT NULL", name="recipient_limit_says_how_much"),
        CheckConstraint(f"quantity_max BETWEEN 1 AND {QUANTITY_MAX}", name="recipient_limit_quantity"),
        CheckConstraint(f"times_max BETWEEN 1 AND {TIMES_MAX}", name="recipient_limit_times"),
        CheckConstraint(f"period_days BETWEEN 1 AND {PERIOD_DAYS_MAX}", name="recipient_limit_period"),
        CheckConstraint("valid_to >= valid_from - 1", name="recipient_limit_ends_after_it_begins"),
        Index("recipient_limit_by_programme", "programme", "valid_from"),
    )

    id: UUID = Field(sa_column=Column(Uuid, primary_key=True))
    region: str
    programme: str
    item: str | None = Field(default=None, sa_column=Column(Text, ForeignKey("item.code")))
    quantity_max: int | None = Field(default=None, sa_column=Column(BigInteger))
    times_max: int | None = Field(default=None, sa_column=Column(Integer))
    period_days: int = Field(sa_column=Column(Integer, nullable=False))
    valid_from: date = Field(sa_column=Column(Date, nullable=False))
    valid_to: date | None = Field(default=None, sa_column=Column(Date))
    document: str | None = None
    actor: str
    recorded_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    version: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))


class LimitedRecipientRow(SQLModel, table=True):
    """A business that a limit is about; its row is the lock under which is counted what it received."""

    __tablename__ = "limited_recipient"

    business_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("known_business.id"), primary_key=True))


BINDING = text(
    "SELECT id, region, programme, item, quantity_max, times_max, period_days, valid_from, valid_to"
    " FROM recipient_limit WHERE programme = ANY(CAST(:programmes AS text[])) AND valid_from <= :last"
    " AND (valid_to IS NULL OR valid_to >= :first) ORDER BY id"
)
# New rows first, in one order for all, then the locks in the same order: nobody waits in a circle.
OPEN = text(
    "INSERT INTO limited_recipient (business_id) SELECT id FROM unnest(CAST(:ids AS uuid[])) AS u(id) ORDER BY id"
    " ON CONFLICT DO NOTHING"
)
LOCK = text(
    "SELECT business_id FROM limited_recipient WHERE business_id = ANY(CAST(:ids AS uuid[]))"
    " ORDER BY business_id FOR UPDATE"
)
# What has no shares is divided evenly (`limit_rules.even_part`): by the heads of the public and the businesses.
RECEIVED = text(
    """
    SELECT b.distribution_id, b.business_id, b.programme, b.occurred_at, g.item, g.quantity
    FROM unnest(CAST(:businesses AS uuid[]), CAST(:programmes AS text[]), CAST(:since AS timestamptz[]))
        AS k(business_id, programme, since)
    JOIN distribution_business b
      ON b.business_id = k.business_id AND b.programme = k.programme AND b.occurred_at >= k.since
    JOIN distribution d ON d.id = b.distribution_id AND d.state = 'posted'
    JOIN LATERAL (
        SELECT s.item, s.quantity FROM distribution_share s
        WHERE s.distribution_id = b.distribution_id AND s.business_id = b.business_id
        UNION ALL
        SELECT l.item, ceil(sum(l.quantity) / (d.public_heads + d.business_count))::bigint FROM posting_line l
        WHERE l.posting_id = d.posting_id AND NOT EXISTS (
            SELECT FROM distribution_share s
            WHERE s.distribution_id = b.distribution_id AND s.business_id = b.business_id)
        GROUP BY l.item
    ) g ON true
    """
)


# What all its recipients had of an item is asked only where something of it came back.
CAME_BACK = text(
    """
    SELECT d.id, r.day, r.business_id, r.item, r.quantity, m.quantity AS moved
    FROM distribution d JOIN distribution_return r ON r.returns = d.posting_id
    JOIN LATERAL (
        SELECT sum(l.quantity)::bigint AS quantity FROM posting_line l
        WHERE l.posting_id = d.posting_id AND l.item = r.item
    ) m ON true
    WHERE d.id = ANY(CAST(:ids AS uuid[])) ORDER BY r.day, r.posting_id, r.item
    """
)


async def binding(
    session: AsyncSession, programmes: Collection[str], first: date, last: date
) -> Sequence[RecipientLimit]:
    """Give the limits of programmes that are valid on some day between two."""
    values = {"programmes": list(programmes), "first": first, "last": last}
    return [RecipientLimit(**row) for row in (await session.execute(BINDING, values)).mappings()]


async def lock_recipients(session: AsyncSession, businesses: Collection[UUID]) -> None:
    """Keep everybody else from counting what these businesses received, until the commit."""
    ids = {"ids": sorted(businesses)}
    await session.execute(OPEN, ids)
    await session.execute(LOCK, ids)


async def received(
    session: AsyncSession, since: dict[tuple[UUID, str], datetime], regions: dict[UUID, str]
) -> list[Handout]:
    """Give what businesses received under a programme from a moment on; each has the region that is given."""
    rows = await session.execute(
        RECEIVED,
        {
            "businesses": [business for business, _ in since],
            "programmes": [programme for _, programme in since],
            "since": list(since.values()),
        },
    )
    found: dict[tuple[UUID, UUID], Handout] = {}
    for distribution, business, programme, occurred_at, item, quantity in rows:
        handout = found.setdefault(
            (distribution, business), Handout(business, regions[business], programme, wib_day(occurred_at), {})
        )
        handout.goods[item] = quantity  # type: ignore[index]  # being filled
    return await _with_returns(session, found)


async def _with_returns(session: AsyncSession, found: dict[tuple[UUID, UUID], Handout]) -> list[Handout]:
    """Add to hand-outs what came back of their distributions."""
    back: defaultdict[UUID, list[Back]] = defaultdict(list)
    moved: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
    if found:
        rows = await session.execute(CAME_BACK, {"ids": list({distribution for distribution, _ in found})})
        for distribution, day, business, item, quantity, of_all in rows:
            back[distribution].append(Back(day, business, item, quantity))
            moved[distribution][item] = of_all
    return [
        one._replace(moved=moved[distribution], back=back[distribution]) if distribution in back else one
        for (distribution, _), one in found.items()
    ]
