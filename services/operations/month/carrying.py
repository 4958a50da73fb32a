"""Carrying the month out: by services that run in this process for as long as it takes, and then come to rest.

Whether other processes serve the same installation meanwhile makes no difference: services may run more than once.
"""

import asyncio
from datetime import datetime, timedelta
from time import monotonic

import httpx
import msgspec

from services import suite
from services.operations.installation import opened
from services.operations.lanes import lanes
from services.operations.month import people, places, stock
from services.operations.month.diary import Diary, Json
from services.operations.refusals import NotPossible
from shared.caller import Role
from shared.clock import Clock
from shared.keys import KeyStore
from shared.province import PROVINCES, BrokenProvince, Province, read_province
from shared.settings import Settings
from shared.tokens import issue_token

DEMO_PROVINCE = "19-kepulauan-bangka-belitung"
TOKEN_HOURS = 1
AGAIN_DAYS_MAX = 7
"""For so long a month that was broken off is gone on with: its days are within what an officer may date back, and the
keys of its acts are kept."""

REST_SECONDS_MAX = 60
QUIET_SECONDS = 2
LOOK_SECONDS = 0.2


class Month(msgspec.Struct, frozen=True):
    """What a run has done: so many acts, of a month that was begun at a moment; none where all was there."""

    acts: int
    begun_at: datetime


async def carry_out(settings: Settings) -> Month:
    """Do what the month holds and was not done yet. Raises: NotPossible, ServerAway."""
    if settings.province != DEMO_PROVINCE:
        raise NotPossible(f"the month tells of {DEMO_PROVINCE}, and this installation is of {settings.province}")
    try:
        province = read_province(PROVINCES / settings.province)
    except BrokenProvince as fault:
        raise NotPossible(str(fault)) from fault
    whole = suite.build(settings)
    async with (
        whole.running(),
        httpx.AsyncClient(transport=httpx.ASGITransport(whole), base_url="http://serumpun", timeout=60) as client,
    ):
        month = await _told(client, province, _tokens(settings, province))
        await _rest(settings)
    return month


async def _told(client: httpx.AsyncClient, province: Province, tokens: dict[str, str]) -> Month:
    now = Clock().now()
    before = await _begun(Diary(client, province, tokens, now))
    begun = datetime.fromisoformat(before["created_at"]) if before else now
    if now - begun > timedelta(days=AGAIN_DAYS_MAX):
        return Month(0, begun)
    first = Diary(client, province, tokens, begun)
    call = before or await people.call_for_masks(first)
    diary = Diary(client, province, tokens, datetime.fromisoformat(call["created_at"]))
    await people.known(diary, call)
    await stock.tell(diary)
    await people.tell(diary, call)
    await places.tell(diary)
    return Month(first.acts + diary.acts, diary.begun)


async def _begun(diary: Diary) -> Json | None:
    """Find the call with which the month was begun, if it was."""
    cursor: Json = {}
    while True:
        page = await diary.sees("/aid/production-calls", limit=200, **cursor)
        if found := [one for one in page["items"] if one["document"] == people.CALL]:
            return dict(found[0])
        if page["next"] is None:
            return None
        cursor = {"cursor": page["next"]}


def _tokens(settings: Settings, province: Province) -> dict[str, str]:
    keys = KeyStore(settings.home)
    return {
        one.subject: issue_token(keys, Role(one.role), [one.region], one.subject, TOKEN_HOURS) for one in province.staff
    }


async def _rest(settings: Settings) -> None:
    """Wait until everybody has heard of everything and nothing more is told, so that pages show it and verify holds.

    Alerts are raised a moment after what they are about, so a first moment of rest is not taken at its word.
    """
    deadline = monotonic() + REST_SECONDS_MAX
    heads, since = None, monotonic()
    async with opened(settings) as there:
        while heads is None or monotonic() - since < QUIET_SECONDS:
            every = await lanes(there)
            seen = None if any(lane.lag for lane in every) else [lane.head for lane in every]
            if seen is None or seen != heads:
                heads, since = seen, monotonic()
            if monotonic() > deadline:
                raise NotPossible("not everything has been heard of yet: see `serumpun events consumers`")
            await asyncio.sleep(LOOK_SECONDS)
