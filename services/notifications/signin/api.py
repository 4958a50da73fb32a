"""The HTTP face of signing in: ask for a code, and show it."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from services.notifications.signin import handlers
from services.notifications.signin.domain import CODE_LIFE, SESSION_LIFE, TOKEN_HOURS, CodeRefused, OwnerNotChosen
from shared import ended_sessions
from shared.clock import shown
from shared.problems import Refusal, TooMany
from shared.roles import Action
from shared.routes import Call, Routes
from shared.sessions import SessionOver

routes = Routes("/notifications", tag="Signing in")

Phone = Annotated[
    str, msgspec.Meta(min_length=5, max_length=30, pattern=r"^[+0-9(][0-9 ()./\-]*$(?!\n)", examples=["081234567890"])
]
Code = Annotated[str, msgspec.Meta(min_length=6, max_length=6, pattern=r"^[0-9]{6}$(?!\n)", examples=["428117"])]


class AskForCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The telephone that a code is to be sent to."""

    phone: Phone


class CodeAsked(msgspec.Struct, frozen=True):
    """That a code is on its way, if anybody has this telephone."""

    expires_in_seconds: int


class ShowCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code as it came; `owner_id` says who one is where several share the telephone."""

    phone: Phone
    code: Code
    owner_id: UUID | None = None


class TokenView(msgspec.Struct, frozen=True):
    """A token for `Authorization: Bearer`."""

    access_token: str
    token_type: Literal["Bearer"]
    owner_id: UUID
    expires_at: datetime


class SessionView(msgspec.Struct, frozen=True):
    """Whose session this is, and how long it goes on; the token is in a cookie that no script can read."""

    owner_id: UUID
    expires_in_seconds: int
    expires_at: datetime


class SessionBegun(SessionView, frozen=True):
    """The session with its token, which the edge takes out and puts into the cookie."""

    access_token: str


class OfficeSessionView(msgspec.Struct, frozen=True):
    """Whose session this is, what they may do and where; the token is in a cookie that no script can read."""

    subject: str
    role: str
    regions: list[str]
    expires_in_seconds: int
    expires_at: datetime


class OfficeSessionBegun(OfficeSessionView, frozen=True):
    """The session with its token, which the edge takes out and puts into the cookie."""

    access_token: str


@routes.post("/sign-in/codes", allow=Action.SIGN_IN, status=202, refusals=[TooMany])
async def ask_for_code(call: Call, body: AskForCode) -> CodeAsked:
    """Ask for a code by telephone; the answer is the same whether or not anybody here has it."""
    await handlers.ask(call.work, body.phone, call.address)
    return CodeAsked(int(CODE_LIFE.total_seconds()))


@routes.post("/sign-in/tokens", allow=Action.SIGN_IN, refusals=[CodeRefused, OwnerNotChosen], private=True)
async def show_code(call: Call, body: ShowCode) -> TokenView | Refusal:
    """Show a code and get a token, once."""
    owner = await handlers.take_in(call.work, body.phone, body.code, body.owner_id)
    if isinstance(owner, Refusal):
        return owner
    return TokenView(
        access_token=call.token_of(owner, TOKEN_HOURS),
        token_type="Bearer",  # noqa: S106  the name of a scheme
        owner_id=owner,
        expires_at=shown(call.work.now + timedelta(hours=TOKEN_HOURS)),
    )


@routes.post("/sign-in/sessions", allow=Action.SIGN_IN, refusals=[CodeRefused, OwnerNotChosen], session="begins")
async def begin_session(call: Call, body: ShowCode) -> SessionView | Refusal:
    """Show a code and be signed in on this browser, once; only a page of this site can ask for it."""
    owner = await handlers.take_in(call.work, body.phone, body.code, body.owner_id)
    if isinstance(owner, Refusal):
        return owner
    life = timedelta(hours=TOKEN_HOURS)
    return SessionBegun(
        owner_id=owner,
        expires_in_seconds=int(life.total_seconds()),
        expires_at=shown(call.work.now + life),
        access_token=call.token_of(owner, TOKEN_HOURS),
    )


@routes.post("/sign-in/sessions/office", allow=Action.SIGN_IN_AT_OFFICE, session="begins")
async def begin_office_session(call: Call) -> OfficeSessionView:
    """Be signed in on this browser by a token in the header; the session counts no longer than the token does."""
    given = call.page_token(SESSION_LIFE)
    return OfficeSessionBegun(
        subject=call.caller.subject,
        role=call.caller.role.value,
        regions=list(call.caller.regions),
        expires_in_seconds=int(given.life.total_seconds()),
        expires_at=shown(call.work.now + given.life),
        access_token=given.token,
    )


@routes.post("/sign-in/sessions/end", allow=Action.SIGN_IN, status=200, session="ends")
async def end_session(call: Call) -> SessionOver:
    """Be signed out on this browser, whether or not the session still counts; it is refused here from then on."""
    await ended_sessions.end(call.work.session, call.session)
    return SessionOver(ended=True)
