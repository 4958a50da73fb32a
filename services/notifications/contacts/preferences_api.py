"""The HTTP face of preferences: everybody their own, and the office what an owner chose or says."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from services.notifications.contacts import preferences
from services.notifications.contacts.preference_store import PreferenceRow
from services.notifications.people import key_of
from shared.clock import shown
from shared.problems import Absent
from shared.roles import Action
from shared.routes import Call, Routes

routes = Routes("/notifications", tag="Preferences")

ChannelName = Literal["whatsapp", "sms", "email"]
Chosen = Annotated[list[ChannelName], msgspec.Meta(max_length=3, examples=[["whatsapp", "email"]])]
Digest = Annotated[bool, msgspec.Meta(examples=[True])]


class ChangePreferences(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What you choose anew, the rest stays: the channels of each class, one message a day of all information, STOP."""

    required: Chosen | None = None
    invitation: Chosen | None = None
    information: Chosen | None = None
    digest: Digest | None = None
    language: Literal["id", "en"] | None = None
    stopped: bool | None = None


class SayStop(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an owner said to the office: true for STOP, false for MULAI."""

    stopped: bool


class PreferencesView(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody is told beside the inbox, which has everything; null for `language` is the one of the contact."""

    required: list[ChannelName]
    invitation: list[ChannelName]
    information: list[ChannelName]
    digest: bool
    language: Literal["id", "en"] | None
    stopped: bool
    stopped_at: datetime | None
    version: int


@routes.get("/preferences", Action.SET_PREFERENCES)
async def show_preferences(call: Call) -> PreferencesView:
    """Show how you are told."""
    return _view(await preferences.chosen(call.work, key_of(call.caller)))


@routes.patch("/preferences", Action.SET_PREFERENCES)
async def change_preferences(call: Call, body: ChangePreferences) -> PreferencesView:
    """Choose how you are told; it counts for what is queued already too."""
    changes = preferences.Changes(**msgspec.structs.asdict(body))
    return _view(await preferences.change(call.work, key_of(call.caller), call.expected_version, changes))


@routes.get("/owners/{owner_id}/preferences", Action.SEE_CONTACTS, refusals=[Absent])
async def show_owner_preferences(call: Call, owner_id: UUID) -> PreferencesView:
    """Show how an owner of your regions is told."""
    return _view(await preferences.of_owner(call.work, call.caller, owner_id))


@routes.post("/owners/{owner_id}/stop", Action.STOP_MESSAGES, status=200, refusals=[Absent])
async def say_stop(call: Call, owner_id: UUID, body: SayStop) -> PreferencesView:
    """Note that an owner wants no letters any more, or wants them again."""
    return _view(await preferences.stop_for(call.work, call.caller, owner_id, stopped=body.stopped))


def _view(row: PreferenceRow) -> PreferencesView:
    told = {name: getattr(row, name) for name in PreferencesView.__struct_fields__}
    told["stopped_at"] = shown(row.stopped_at) if row.stopped_at and row.stopped else None
    return msgspec.convert(told, PreferencesView)
