"""The HTTP face of signing in: ask for a code, and show it."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from services.notifications.signin import handlers
from services.notifications.signin.domain import CODE_LIFE, TOKEN_HOURS, CodeRefused, OwnerNotChosen
from shared.clock import shown
from shared.problems import Refusal, TooMany
from shared.roles import Action
from shared.routes import Call, Routes

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
