"""How far the turns of each channel are given away, for all the processes that send over it."""

from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, Column, DateTime, Text, text
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notifications.delivery.store import CHANNELS_SQL


class ChannelRateRow(SQLModel, table=True):
    """Until when the turns of a channel are given away; a row for each is there from the beginning."""

    __tablename__ = "channel_rate"
    __table_args__ = (CheckConstraint(f"channel IN ({CHANNELS_SQL})", name="channel_rate_channel_known"),)

    channel: str = Field(sa_column=Column(Text, primary_key=True))
    free_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))


# By the clock of the store: it is the only one that all of them have in common.
DRAW: Final = text(
    """
    UPDATE channel_rate SET free_at =
        greatest(free_at, clock_timestamp() - make_interval(secs => CAST(:burst AS float) / :per_second))
        + make_interval(secs => CAST(:count AS float) / :per_second)
    WHERE channel = :channel
    RETURNING CAST(extract(epoch FROM free_at - clock_timestamp()) AS float)
    """
)


async def draw(session: AsyncSession, channel: str, count: int, *, per_second: int, burst: int) -> float:
    """Take the next turns of a channel, each once among all processes; gives in how many seconds the last one is."""
    asked = {"channel": channel, "count": count, "per_second": per_second, "burst": burst}
    return float((await session.execute(DRAW, asked)).scalar_one())
