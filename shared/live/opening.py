"""Letting somebody in to a live feed: whether there is room, and from where on they are told."""

from collections.abc import Awaitable, Callable

from shared.caller import Caller
from shared.contracts import EVENTS
from shared.live import position as positions
from shared.live.follower import Follower
from shared.live.hub import Hub
from shared.live.position import LAST_EVENT_ID, Position
from shared.problems import FieldError, Invalid
from shared.routes import LiveQuery, Narrows, Shows

FOR_EVER = float("inf")


async def follower(
    hub: Hub,
    source: str,
    shows: Shows,
    narrows: Narrows,
    caller: Caller,
    may_go_on: Callable[[], Awaitable[Caller]],
    query: LiveQuery,
    last_event_id: str | None,
) -> Follower:
    """Give one who follows from where they stood, or from the present on.

    Raises: Invalid (422) for a position that nobody was given or a type that this service does not publish,
            Unavailable (503) when there is no room, or the store is away
    """
    types = query.types.split(",") if query.types else []
    kept = _kept(query, last_event_id, _unknown(types, source))
    hub.check_room()
    position, missed = await _begins(hub, kept)
    seconds = FOR_EVER if query.wait_seconds is None else query.wait_seconds
    return Follower(hub, caller, may_go_on, shows, narrows, frozenset(types), seconds, position, missed)


def _unknown(types: list[str], source: str) -> list[FieldError]:
    ours = {name for name, event in EVENTS.items() if event.source == source}
    return [
        FieldError("/query/types", "unknown_type", f"{name} is not an event of this service.")
        for name in types
        if name not in ours
    ]


def _kept(query: LiveQuery, last_event_id: str | None, errors: list[FieldError]) -> Position | None:
    """Read where they stood; of header and query the header is the later one."""
    in_header = last_event_id is not None
    pointer, text = (f"/header/{LAST_EVENT_ID}", last_event_id) if in_header else ("/query/after", query.after)
    kept = None if text is None else positions.read(text)
    if text is not None and kept is None:
        errors.append(FieldError(pointer, "bad_position", "Take the last `id` as it came, or leave it out."))
    if errors:
        raise Invalid(errors)
    return kept


async def _begins(hub: Hub, kept: Position | None) -> tuple[Position, str]:
    """Give where the feed begins, and why it is not where they stood."""
    heads = await hub.heads()
    if kept is None:
        return heads, ""
    if len(kept) != len(heads):
        return heads, "other_partitions"
    if any(number > head for number, head in zip(kept, heads, strict=True)):
        return tuple(map(min, kept, heads)), "restored"
    return kept, ""
