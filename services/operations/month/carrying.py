"""Carrying the month out: by services that run in this process for as long as it takes, and then come to rest.

Whether other processes serve the same installation meanwhile makes no difference: services may run more than once.
"""

from collections.abc import Callable
from datetime import datetime

import httpx
import msgspec

from services import suite
from services.operations.installation import Installation, opened
from services.operations.month import hearing, people, places, stock
from services.operations.month.allowing import again_max, province_of
from services.operations.month.diary import HEARD_SECONDS_MAX, Diary, Json
from services.operations.refusals import NotPossible
from shared.caller import Role
from shared.clock import Clock
from shared.keys import KeyStore
from shared.province import Province
from shared.settings import Settings
from shared.tokens import issue_token

Report = Callable[[str], None]

TOKEN_HOURS = 1
REST_SECONDS_MAX = 60
QUIET_SECONDS_MAX = 20
"""After everybody has heard of the month: where others are at work meanwhile, there is no rest to wait for."""


class Month(msgspec.Struct, frozen=True):
    """What a run has done: so many acts, of a month that was begun at a moment; none where all was there."""

    acts: int
    begun_at: datetime


async def carry_out(settings: Settings, report: Report) -> Month:
    """Do what the month holds and was not done yet. Raises: NotPossible, ServerAway."""
    province = province_of(settings)
    whole = suite.build(settings)
    async with (
        whole.running(),
        httpx.AsyncClient(transport=httpx.ASGITransport(whole), base_url="http://serumpun", timeout=60) as client,
        opened(settings) as there,
    ):
        month = await _told(client, province, _tokens(settings, province), there)
        if month.acts:
            await _rest(there, report)
    return month


async def _told(client: httpx.AsyncClient, province: Province, tokens: dict[str, str], there: Installation) -> Month:
    now = Clock().now()
    before = await _begun(Diary(client, province, tokens, now))
    begun = datetime.fromisoformat(before["created_at"]) if before else now
    if now - begun > again_max(there.settings):
        return Month(0, begun)
    first = Diary(client, province, tokens, begun)
    call = before or await people.call_for_masks(first)
    diary = Diary(client, province, tokens, datetime.fromisoformat(call["created_at"]))
    await _everybody_knows(there, "the businesses of the province")
    await stock.tell(diary)
    await people.tell(diary, call)
    await _everybody_knows(there, "what businesses answered")
    await places.tell(diary)
    return Month(first.acts + diary.acts, diary.begun)


async def _begun(diary: Diary) -> Json | None:
    """Find the call with which the month was begun, if it was."""
    calls = await diary.every("/aid/production-calls")
    return next((one for one in calls if one["document"] == people.CALL), None)


def _tokens(settings: Settings, province: Province) -> dict[str, str]:
    keys = KeyStore(settings.home)
    return {
        one.subject: issue_token(keys, Role(one.role), [one.region], one.subject, TOKEN_HOURS) for one in province.staff
    }


async def _everybody_knows(there: Installation, what: str) -> None:
    """Wait until word of something has come to where an act needs it."""
    if not await hearing.heard(there, HEARD_SECONDS_MAX):
        raise NotPossible(f"word of {what} did not come within {HEARD_SECONDS_MAX} s: see `serumpun doctor`")


async def _rest(there: Installation, report: Report) -> None:
    """Wait until everybody has heard of everything, so that pages show it and verify holds."""
    if await hearing.heard(there, REST_SECONDS_MAX):
        await hearing.quiet(there, QUIET_SECONDS_MAX)
    else:
        report("not everybody has heard of everything yet: see `serumpun events consumers`")
