"""What may be wrong with an order about a station beside its shape, told all at once and each by its JSON Pointer."""

from services.aid_distribution.ledger.catalogue import PlaceKind
from services.aid_distribution.ledger.known import known
from services.aid_distribution.ledger.mistakes import order_mistakes
from services.aid_distribution.stations import store
from services.aid_distribution.stations.domain import Outcome, Seen, seen_mistakes
from services.aid_distribution.stations.store import Site
from shared.caller import Caller
from shared.database import Work
from shared.leaves import Leaves
from shared.problems import FieldError


async def place_mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with the placing of a station."""
    code = leaves.get("/site")
    found = await store.site(work.session, code) if isinstance(code, str) else None
    return [
        *order_mistakes(leaves, await known(work, [leaves]), work.caller, work.now),
        *_site_mistakes(leaves, found if found and work.caller.sees(found.region) else None),
        *_crowd_mistakes(leaves),
        *_first_mistakes(leaves),
    ]


def _site_mistakes(leaves: Leaves, found: Site | None) -> list[FieldError]:
    if "/site" not in leaves:
        return []
    if found is None:
        return [FieldError("/site", "unknown_place", f"There is no place {leaves['/site']}.")]
    if found.kind != PlaceKind.CROWD_CENTRE:
        return [FieldError("/site", "not_a_crowd_centre", "A station stands at a crowd centre.")]
    return []


def _crowd_mistakes(leaves: Leaves) -> list[FieldError]:
    told = [name for name in ("/crowd_level", "/people_per_day") if name in leaves]
    if len(told) == 1:
        return []
    code = "given_twice" if told else "missing"
    return [FieldError("/crowd_level", code, "Tell the level of the crowd or the people per day, one of them.")]


def _first_mistakes(leaves: Leaves) -> list[FieldError]:
    errors = []
    for name in ("water", "soap"):
        first, most = leaves.get(f"/{name}_millilitre"), leaves.get(f"/capacity_{name}_millilitre")
        if isinstance(first, int) and isinstance(most, int) and first > most:
            errors.append(FieldError(f"/{name}_millilitre", "above_capacity", f"It holds {most}."))
    return errors


async def visit_mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a visit, whichever station it is about."""
    return await visit_mistakes_of(work, work.caller, leaves)


async def visit_mistakes_of(work: Work, caller: Caller, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a visit that somebody tells."""
    levels = (leaves.get(f"/{name}_before_millilitre") for name in ("water", "soap"))
    errors = order_mistakes(leaves, await known(work, [leaves]), caller, work.now)
    errors += seen_mistakes(leaves.get("/state"), *levels)
    if leaves.get("/repaired") is True and leaves.get("/state", Seen.BROKEN) != Seen.BROKEN:
        errors.append(FieldError("/repaired", "not_broken", "Only what was found broken is repaired."))
    if any(pointer.startswith("/refill/lines/") for pointer in leaves) and "/refill/from_place" not in leaves:
        errors.append(FieldError("/refill/from_place", "missing", "Say from which place these goods were taken."))
    return errors


async def removal_mistakes(work: Work, leaves: Leaves) -> list[FieldError]:
    """Say what is wrong with a removal, whichever station it is about."""
    errors = order_mistakes(leaves, await known(work, [leaves]), work.caller, work.now)
    returned = leaves.get("/outcome") == Outcome.RETURNED
    if returned and "/to_place" not in leaves:
        errors.append(FieldError("/to_place", "missing", "Say to which place it was brought back."))
    if "/outcome" in leaves and not returned and "/to_place" in leaves:
        errors.append(FieldError("/to_place", "not_returned", "What was damaged or lost is not brought back."))
    return errors
