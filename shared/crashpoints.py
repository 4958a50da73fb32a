"""Named places between two effects at which a test may kill the process, to show that nothing depends on luck.

Nothing happens unless SERUMPUN_CRASH_AT names one of them. Every point is declared here, once, with what has been done
when it is reached and what is still to do; tests/faults kills a process at each one in every handler that passes it.
"""

import os
import signal
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from shared.settings import SettingInvalid


class Passer(StrEnum):
    """Who passes a point: what it must be tried with."""

    ORDER = "every order over HTTP"
    KEYED = "every order that may carry an Idempotency-Key"
    SHARED = "every order that shares its transaction with others"
    RECORDER = "every order that records an event"
    REACTION = "every reaction of every service"
    HEARD = "every event that a service reacts to, with all its reactions"
    LANE = "every service, for each source that it listens to"
    FENCE = "the relay of a source whose database was restored"
    PRUNER = "the retention of a source"
    SENDER = "the sender of deliveries"
    IMPORTER = "whoever carries an import out"
    COMPARER = "whoever compares what was imported with what is known"
    BROADCASTER = "whoever tells the people of a broadcast"
    CODE_SENDER = "whoever sends codes for signing in"
    START = "the start of an installation, for each service"


@dataclass(frozen=True, slots=True)
class Point:
    """A place between two effects.

    Shape: `stands` says that what the passer is to bring about is committed when the process dies here
    """

    name: str
    passer: Passer
    done: str
    to_do: str
    stands: bool = False


# fmt: off
_DECLARED = (
    Point("group.batch_taken", Passer.SHARED, "orders are taken from the queue", "their transaction"),
    Point("group.before_commit", Passer.SHARED, "all of a batch is written", "its commit"),
    Point("group.after_commit", Passer.SHARED, "a batch is committed", "giving each order its outcome", stands=True),
    Point("idempotency.after_insert", Passer.KEYED, "the effect and its answer are written", "the events, the commit"),
    Point("outbox.after_numbering", Passer.RECORDER, "the events have their numbers", "the commit"),
    Point("api.after_commit_before_response", Passer.ORDER, "the order is committed", "the answer", stands=True),

    Point("relay.before_append", Passer.RECORDER, "events are read from the outbox", "the append", stands=True),
    Point("relay.after_append", Passer.RECORDER, "events stand in the stream", "noting it in memory", stands=True),

    Point("fence.between_updates", Passer.FENCE, "clashing events are set aside", "their new numbers"),
    Point("fence.before_commit", Passer.FENCE, "events are renumbered, adopted, buried, the head raised", "the commit"),
    Point("fence.after_commit", Passer.FENCE, "outbox and stream agree", "sending what got a new number", stands=True),

    Point("consumer.after_reaction", Passer.REACTION, "one reaction has run", "the next, the position, the commit"),
    Point("consumer.before_commit", Passer.HEARD, "effects and position are written", "the events, the commit"),
    Point("consumer.after_commit", Passer.HEARD, "effects and position are committed", "the log", stands=True),
    Point("consumer.gap_fetched", Passer.HEARD, "missing events are fetched from the feed", "their effects"),
    Point("consumer.late_start", Passer.LANE, "the position is set behind pruned history", "the first effects"),
    Point("consumer.before_word", Passer.LANE, "effects are committed", "leaving word of it for trimming", stands=True),
    Point("consumer.after_word", Passer.LANE, "word is left for trimming", "counting the parked", stands=True),

    Point("parking.before_commit", Passer.HEARD, "a failed event and the position are written", "the commit"),
    Point("parking.after_commit", Passer.HEARD, "a failed event is parked", "the log"),
    Point("parking.before_postpone_commit", Passer.HEARD, "one more failure is noted", "the commit"),
    Point("parking.before_retry_commit", Passer.HEARD, "a parked event took effect and is gone", "the commit"),
    Point("parking.after_retry_commit", Passer.HEARD, "a parked event is done", "the next one", stands=True),

    Point("retention.before_trim", Passer.PRUNER, "it is known how far all have come", "trimming a stream (MINID)"),
    Point("retention.after_trim", Passer.PRUNER, "the streams are trimmed", "deleting from the outbox"),
    Point("retention.between_deletes", Passer.PRUNER, "some old rows are deleted for good", "the others"),
    Point("retention.after_outbox", Passer.PRUNER, "the outbox is pruned", "deleting old answers"),

    Point("sender.after_lease", Passer.SENDER, "deliveries are taken", "marking one as being sent"),
    Point("sender.after_begin", Passer.SENDER, "a delivery is marked as being sent", "handing over the letter"),
    Point("email.before_content", Passer.SENDER, "the server knows for whom a letter is", "the letter itself"),
    Point("sender.after_delivery", Passer.SENDER, "the server has taken the letter", "recording it"),
    Point("sender.after_settle", Passer.SENDER, "what became of a letter is recorded", "the next one", stands=True),
    Point("sender.after_sweep", Passer.SENDER, "what was left in the middle is in doubt", "taking the next"),

    Point("import.before_commit", Passer.IMPORTER, "rows and how far it is are written", "their events, the commit"),
    Point("import.compared", Passer.COMPARER, "cases are opened and nothing waits any more", "the commit"),
    Point("import.after_commit", Passer.IMPORTER, "a batch of rows is committed", "the next batch", stands=True),

    Point("broadcast.before_commit", Passer.BROADCASTER, "people are told and how far it is written", "the commit"),

    Point("codes.before_commit", Passer.CODE_SENDER, "codes are on their way, their numbers gone", "the commit"),
    Point("codes.after_commit", Passer.CODE_SENDER, "codes are on their way for good", "the next ones", stands=True),

    Point("keys.drafted", Passer.START, "a new key lies complete in a draft", "giving it its name"),
    Point("provision.after_login", Passer.START, "a service has its login", "its database"),
    Point("provision.after_database", Passer.START, "a service has its database", "closing it to the others"),
    Point("migrations.before_commit", Passer.START, "a schema is brought to today's", "the commit"),
    Point("migrations.after_commit", Passer.START, "one service is migrated", "the next one", stands=True),
    Point("province.before_commit", Passer.START, "a service has its part of the province", "the commit"),
    Point("province.after_commit", Passer.START, "a service has its part of the province for good", "the others'",
          stands=True),
)
# fmt: on

POINTS = MappingProxyType({point.name: point for point in _DECLARED})

_armed = ""


def arm(at: str) -> None:
    """Let the process die at a point, or only where something named passes it: `consumer.before_commit@{event type}`.

    Raises: SettingInvalid for a point that nobody has declared, at which nothing would ever happen
    """
    global _armed  # noqa: PLW0603  one process, one place to die
    if at and at.partition("@")[0] not in POINTS:
        raise SettingInvalid(f"SERUMPUN_CRASH_AT={at} is not a crash point: see shared/crashpoints.py")
    _armed = at


def reach(point: str, *passing: str) -> None:
    """Pass a crash point; the process dies here, with no chance to tidy up, when it was asked to.

    Shape:  `passing` names what is under way here, where several things may be: an event type, a reaction, a service
    Raises: LookupError for a point that is not declared
    """
    if point not in POINTS:
        raise LookupError(f"{point} is not declared in shared/crashpoints.py")
    if _armed and (_armed == point or _armed in (f"{point}@{name}" for name in passing)):
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get("SERUMPUN_CRASH_AT", ""))
