"""A queue of messages that wait to be sent: owners, a message to each, and its delivery over one channel."""

from datetime import datetime
from typing import Final

from sqlalchemy import text

from services.notifications.plans import AGE_MAX, Lane
from shared.caller import Caller, Role
from shared.database import Database

HERE: Final = Caller("bench", Role.SERVICE, ())

OWNERS = text(
    """
    INSERT INTO contact (owner_id, name, phone, language, region, changed_at)
    SELECT md5(:kind || 'o' || n)::uuid, 'Pemilik ' || n, '+62834' || lpad(n::text, 8, '0'), 'id', '19.71',
           CAST(:at AS timestamptz)
    FROM generate_series(1, :count) AS n
    """
)
MESSAGES = text(
    """
    INSERT INTO message (id, person, fact, purpose, urgency, region, language, title, body, why, traceparent,
                         created_at)
    SELECT md5(:kind || 'm' || n)::uuid, 'owner/' || md5(:kind || 'o' || n)::uuid, :kind || '/' || n, 'aid', 'required',
           '19.71', 'id', 'Bantuan untuk usaha Anda', 'Pesan ' || n || ' tentang bantuan untuk usaha Anda.',
           'Anda menerima pesan ini karena usaha Anda terdaftar.', '', CAST(:at AS timestamptz)
    FROM generate_series(1, :count) AS n
    """
)
DELIVERIES = text(
    """
    INSERT INTO delivery (id, message_id, person, region, channel, state, lane, rest, attempts, errors, doubted, reply,
                          due_at, expires_at, traceparent, created_at, changed_at, accepted_at)
    SELECT md5(:kind || 'd' || n)::uuid, md5(:kind || 'm' || n)::uuid, 'owner/' || md5(:kind || 'o' || n)::uuid,
           '19.71', :channel, :state, :lane, '{}', 0, 0, false, '', CAST(:at AS timestamptz),
           CAST(:expires_at AS timestamptz), '', CAST(:at AS timestamptz), CAST(:at AS timestamptz),
           CASE WHEN :state = 'accepted' THEN CAST(:at AS timestamptz) END
    FROM generate_series(1, :count) AS n
    """
)


async def queue(
    database: Database, count: int, channel: str, at: datetime, *, kind: str = "queued", state: str = "queued"
) -> None:
    """Put so many messages into the queue of a channel, due at once; each body says which one it is."""
    asked = {"kind": kind, "count": count, "channel": channel, "state": state, "lane": int(Lane.PERSONAL), "at": at}
    async with database.work(HERE) as work:
        for statement in (OWNERS, MESSAGES, DELIVERIES):
            known = {name: asked[name] for name in asked if f":{name}" in statement.text}
            if statement is DELIVERIES:
                known["expires_at"] = at + AGE_MAX
            await work.session.execute(statement, known)
    async with database.work(HERE) as work:
        await work.session.execute(text("ANALYZE"))


async def states(database: Database) -> dict[str, int]:
    """Count the deliveries by state."""
    async with database.work(HERE) as work:
        rows = await work.session.execute(text("SELECT state, count(*) AS times FROM delivery GROUP BY state"))
        return {row.state: row.times for row in rows}


async def clear(database: Database) -> None:
    """Take every message and delivery away."""
    async with database.work(HERE) as work:
        await work.session.execute(text("TRUNCATE delivery, receipt, message, contact, outbox CASCADE"))
