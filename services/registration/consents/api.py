"""The HTTP face of consent, for the staff who take it and for the owners who give it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from services.registration.businesses.domain import OwnerErased, OwnerRestricted
from services.registration.consents import domain, handlers
from services.registration.consents.domain import Act, ConsentNotGiven, ConsentOvertaken, ConsentText, How, Kind
from services.registration.consents.store import ConsentActRow
from shared.clock import shown
from shared.problems import Absent
from shared.roles import Action
from shared.routes import PAGE_ITEMS_DEFAULT, Call, Cursor, Limit, Page, Routes, Text

routes = Routes("/registration", tag="Consent")

KindName = Literal["contact_by_phone", "publish_story", "share_with_partner"]


class TextShown(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The text that was shown or read out, by its version, and in which language."""

    id: Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z-]*$(?!\n)", examples=["contact-by-phone"])]
    version: Annotated[int, Meta(ge=1, le=10_000, examples=[1])]
    language: Literal["id", "en"] = "id"


class RecordConsent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an owner said to a member of staff: given to a text, or taken back, how, when and with which proof."""

    kind: KindName
    given: bool
    how: Literal["signature", "thumbprint", "spoken"]
    happened_at: Annotated[datetime, msgspec.Meta(tz=True)]
    text: TextShown | None = None
    proof: Text | None = None
    witness: Text | None = None


class GiveConsent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an owner says now, by themselves."""

    kind: KindName
    given: bool
    text: TextShown | None = None


class ConsentQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stretch of what was said is asked for."""

    cursor: Cursor | None = None
    limit: Limit = PAGE_ITEMS_DEFAULT


class ConsentView(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner said: to which text, whose SHA-256 is kept, how, and who recorded it."""

    id: UUID
    owner_id: UUID
    kind: KindName
    given: bool
    text_id: str | None
    text_version: int | None
    text_language: str | None
    text_sha256: str | None
    how: Literal["signature", "thumbprint", "spoken", "online"]
    proof: str | None
    witness: str | None
    happened_at: datetime
    recorded_at: datetime
    recorded_by: str
    role: str


class ConsentTextView(msgspec.Struct, frozen=True, kw_only=True):
    """A text to be shown before somebody agrees to it, with its SHA-256 in each language."""

    id: str
    kind: KindName
    version: int
    words: dict[str, str]
    sha256: dict[str, str]


@routes.get("/consent-texts", allow=Action.SEE_CONSENT_TEXTS)
async def list_consent_texts(call: Call) -> Page[ConsentTextView]:  # noqa: ARG001 - the same for everybody
    """List every version of every text that owners are asked to agree to."""
    return Page([_text_view(one) for one in domain.texts().values()])


@routes.get("/owners/{owner_id}/consents", allow=Action.SEE_CONSENTS, refusals=(Absent,))
async def list_consents(call: Call, owner_id: UUID) -> Page[ConsentView]:
    """List what holds of each kind of consent that an owner ever said anything of."""
    return Page([_view(row) for row in await handlers.current(call.work, owner_id)])


@routes.get("/owners/{owner_id}/consents/history", allow=Action.SEE_CONSENTS, refusals=(Absent,))
async def show_consent_history(call: Call, owner_id: UUID, query: ConsentQuery) -> Page[ConsentView]:
    """Show everything that an owner has said about consent, the latest first."""
    page = await handlers.history(call.work, owner_id, query.cursor, query.limit)
    return Page([_view(row) for row in page.items], page.next)


@routes.post(
    "/owners/{owner_id}/consents",
    allow=Action.RECORD_CONSENT,
    refusals=(Absent, ConsentNotGiven, ConsentOvertaken, OwnerErased, OwnerRestricted),
)
async def record_consent(call: Call, owner_id: UUID, body: RecordConsent) -> ConsentView:
    """Record that an owner has agreed to a text, or has taken that back."""
    act = Act(
        kind=Kind(body.kind),
        given=body.given,
        how=How(body.how),
        happened_at=body.happened_at,
        proof=body.proof,
        witness=body.witness,
        text_id=body.text.id if body.text else None,
        text_version=body.text.version if body.text else None,
        language=body.text.language if body.text else None,
    )
    return _view(await handlers.record(call.work, owner_id, act))


@routes.get("/my/consents", allow=Action.SEE_OWN_CONSENTS, refusals=(Absent,))
async def list_own_consents(call: Call) -> Page[ConsentView]:
    """List what holds of each kind of consent that the owner who asks ever said anything of."""
    return Page([_view(row) for row in await handlers.current(call.work, handlers.own_id(call.work))])


@routes.post(
    "/my/consents",
    allow=Action.GIVE_CONSENT,
    refusals=(Absent, ConsentNotGiven, ConsentOvertaken, OwnerErased, OwnerRestricted),
)
async def give_consent(call: Call, body: GiveConsent) -> ConsentView:
    """Agree to a text, or take that back, as the owner who asks."""
    act = Act(
        kind=Kind(body.kind),
        given=body.given,
        how=How.ONLINE,
        happened_at=call.work.now,
        text_id=body.text.id if body.text else None,
        text_version=body.text.version if body.text else None,
        language=body.text.language if body.text else None,
    )
    return _view(await handlers.record(call.work, handlers.own_id(call.work), act))


def _view(row: ConsentActRow) -> ConsentView:
    return ConsentView(
        id=row.id,
        owner_id=row.owner_id,
        kind=Kind(row.kind).value,
        given=row.given,
        text_id=row.text_id,
        text_version=row.text_version,
        text_language=row.text_language,
        text_sha256=row.text_hash.hex() if row.text_hash else None,
        how=How(row.how).value,
        proof=row.proof,
        witness=row.witness,
        happened_at=shown(row.happened_at),
        recorded_at=shown(row.recorded_at),
        recorded_by=row.recorded_by,
        role=row.role,
    )


def _text_view(one: ConsentText) -> ConsentTextView:
    return ConsentTextView(
        id=one.id,
        kind=one.kind.value,
        version=one.version,
        words=dict(one.words),
        sha256={language: one.digest(language).hex() for language in one.words},
    )
