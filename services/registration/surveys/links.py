"""The link by which a business answers without a login: nobody guesses it, it takes one answer, and ends with its wave.

Its code is a MAC of who takes part in which wave under the installation's key, so it can be told again at any time;
what is stored is its hash, so a copy of the tables answers for nobody. It says nothing of anybody.
"""

import hmac
from base64 import b32encode
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from services.registration.surveys import answers, store
from services.registration.surveys.answers import Given
from services.registration.surveys.domain import Channel, LinkUsed, WaveState
from services.registration.surveys.orders import AnswerByLink
from services.registration.surveys.shapes import LinkedSurveyView, LinkReceipt
from services.registration.surveys.store import SurveyParticipantRow, SurveyRow
from shared.clock import shown, wib_day
from shared.database import Work
from shared.privacy import Vault
from shared.problems import Absent, Refusal, TooMany

CODE_BYTES = 16
PATH = "/registration/survey-links/{code}"
MINUTE = timedelta(minutes=1)
ANSWERS_PER_MINUTE_MAX = 600
"""So many answers by link a wave takes in a minute: more than a province ever sends, and few enough for a database."""

THANKS = "Terima kasih. Jawaban Anda sudah kami terima. / Thank you, we have your answer."


@dataclass(frozen=True, slots=True)
class Linked:
    """Whom a link was made for, and in which wave."""

    participant: SurveyParticipantRow
    wave: SurveyRow


def code_of(vault: Vault, survey_id: UUID, business_id: UUID) -> str:
    """Give the code of a business in a wave: 26 letters and digits."""
    mac = vault.code(f"{survey_id}/{business_id}", "survey link")
    return b32encode(mac[:CODE_BYTES]).decode().rstrip("=")


def digest(code: str) -> bytes:
    """Give what is stored in place of a code."""
    return sha256(code.encode()).digest()


def address(public_url: str, code: str) -> str:
    """Give the address behind which a business answers."""
    return public_url.rstrip("/") + PATH.format(code=code)


async def show(work: Work, code: str) -> LinkedSurveyView | None:
    """Say what whoever has a link is asked; None for a code that was never given out."""
    found = await _linked(work, code)
    if found is None:
        return None
    (business,) = (await store.businesses(work.session, [found.participant.business_id])).values()
    wave = found.wave
    return LinkedSurveyView(
        title=wave.title,
        business_name=business.name,
        before_month=f"{wave.before_month:%Y-%m}",
        now_month=f"{wave.now_month:%Y-%m}",
        closes_on=wave.closes_on,
        open=answers.wave_of(wave).state(wib_day(work.now)) is WaveState.OPEN,
        used=found.participant.used_at is not None,
    )


async def answer(work: Work, code: str, order: AnswerByLink) -> LinkReceipt:
    """Take the answer of whoever has a link, once.

    Raises: Absent (404), LinkUsed, WaveClosed and WaveNotOpen (409), Invalid (422), TooMany (429)
    """
    found = await _linked(work, code)
    if found is None:
        raise Absent
    survey_id, business_id = found.participant.survey_id, found.participant.business_id
    if found.participant.used_at is None:  # who comes too late is told so, and costs nothing
        if await store.by_link_since(work.session, survey_id, work.now - MINUTE) >= ANSWERS_PER_MINUTE_MAX:
            raise TooMany("Many are answering at the moment. Try again in a minute.")
        given = Given(survey_id=survey_id, business_id=business_id, data=order.data, channel=Channel.LINK)
        (done,) = await answers.take(work, [given])
        if isinstance(done, Refusal):
            raise done
        return LinkReceipt(id=done.row.id, recorded_at=shown(done.row.recorded_at), thanks=THANKS)
    raise LinkUsed("It takes one answer. Whoever wants to change it asks the office.")


async def _linked(work: Work, code: str) -> Linked | None:
    participant = await store.by_code(work.session, digest(code))
    if participant is None:
        return None
    made = code_of(work.vault, participant.survey_id, participant.business_id)
    if not hmac.compare_digest(made.encode(), code.encode()):
        return None
    return Linked(participant, (await store.waves(work.session, [participant.survey_id]))[participant.survey_id])
