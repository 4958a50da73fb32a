"""Where the month may be told, and for how long it is gone on with: in a demo, within what people may date back."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services import history, startup
from services.operations.installation import store
from services.operations.month import people, stock
from services.operations.refusals import NotPossible
from shared.caller import Role
from shared.province import PROVINCES, BrokenProvince, Province, read_province
from shared.settings import Settings

DEMO_PROVINCE = "19-kepulauan-bangka-belitung"
AGAIN_DAYS_MAX = 7
"""For so long a month that was broken off is gone on with, where its days may be dated back and its keys are kept."""
RUN_MAX = timedelta(hours=1)
"""How long a run may take that must find all keys of an earlier one."""
OLDEST_DAYS: Mapping[Role, int] = {
    Role.REGENCY_OFFICER: stock.HANDED_OUT_DAYS[0],
    Role.PROVINCE_STAFF: stock.CAME_IN_DAYS,
}
"""How many days before the month was begun the first act of a role lies."""

CALLS = text("SELECT to_regclass('production_call') IS NOT NULL")
BEGUN = text("SELECT EXISTS (SELECT FROM production_call WHERE document = :document)")


def province_of(settings: Settings) -> Province:
    """Read the demo province. Raises: NotPossible where the installation is of another one."""
    if settings.province != DEMO_PROVINCE:
        raise NotPossible(f"the month tells of {DEMO_PROVINCE}, and this installation is of {settings.province}")
    try:
        return read_province(PROVINCES / settings.province)
    except BrokenProvince as fault:
        raise NotPossible(str(fault)) from fault


def again_max(settings: Settings) -> timedelta:
    """Say for how long the month is gone on with once it was begun; below zero it cannot even be begun."""
    # The first day is dated back from any hour of the day on which the month was begun, so it may be a day more.
    days = [settings.dating_back_days[role] - oldest - 1 for role, oldest in OLDEST_DAYS.items()]
    return min(
        timedelta(days=min(AGAIN_DAYS_MAX, *days)), timedelta(days=settings.idempotency_retention_days) - RUN_MAX
    )


async def check(settings: Settings) -> None:
    """Refuse, before anything is made, to begin the month where it does not belong; what was begun may be gone on with.

    Raises: NotPossible; NoDemo where somebody is registered whom the demo does not list
    """
    province = province_of(settings)
    there = await startup.provisioned(settings)
    if await _is_begun(there):
        return
    await history.refuse_strangers(there, province)
    for role, oldest in OLDEST_DAYS.items():
        if there.dating_back_days[role] <= oldest:
            setting = f"{role.upper()}_DATING_BACK_DAYS"
            raise NotPossible(f"the month begins {oldest} days back: set {setting} to {oldest + 1} or more")


async def _is_begun(settings: Settings) -> bool:
    engine = store(settings.database_urls["aid_distribution"], "aid_distribution")
    try:
        async with AsyncSession(engine) as session:
            there = (await session.execute(CALLS)).scalar_one()
            return bool(there and (await session.execute(BEGUN, {"document": people.CALL})).scalar_one())
    finally:
        await engine.dispose()
