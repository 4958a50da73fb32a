"""A sender in a process of its own, for tests that kill it: `python lone_sender.py DATABASE_URL SMTP_PORT`."""

import asyncio
import sys

from services.notifications.delivery.channels.email import Email, Server
from services.notifications.delivery.sender import Sender
from services.notifications.giving_up import could_not_be_told
from services.notifications.main import letters
from shared.clock import Clock
from shared.database import Database


async def send(database_url: str, port: str) -> None:
    """Send what is due until killed."""
    database = Database(database_url, "notifications", partitions=4, clock=Clock(), quiet_hours=False)
    channel = Email(Server.from_url(f"smtp://127.0.0.1:{port}"), "Serumpun <kabar@serumpun.test>")
    await Sender(database, Clock(), channel, letters, give_up=could_not_be_told).run()


if __name__ == "__main__":
    asyncio.run(send(*sys.argv[1:3]))
