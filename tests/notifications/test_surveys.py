"""An owner is asked to answer a survey by a link, and nobody else hears of it."""

from datetime import date
from uuid import UUID

from services.notifications.messages.domain import compose
from services.notifications.messages.facts import LENGTH_MAX, Reading
from services.notifications.people import Language
from shared.contracts.registration import SurveyOpened
from shared.database import Database
from tests.notifications.story import SITI, TAILOR, business, happened, messages, owner, staff
from tests.notifications.test_handlers import EVERYBODY

LINK = "https://serumpun.babelprov.example/registration/survey-links/ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def opened(link: str = LINK) -> SurveyOpened:
    return SurveyOpened(
        participant_id=UUID(int=71),
        survey_id=UUID(int=72),
        business_id=TAILOR,
        region="19.71",
        title="Survei dampak COVID-19, April 2020",
        closes_on=date(2020, 5, 8),
        link=link,
    )


async def test_the_owner_is_asked_once_with_the_link(database: Database) -> None:
    await staff(database, *EVERYBODY)
    await happened(database, owner(), business())
    for _ in range(2):
        await happened(database, opened())
    found = {key: row for key, row in (await messages(database)).items() if key[1] != "welcome"}
    assert list(found) == [(f"owner/{SITI}", "survey")]
    (message,) = found.values()
    assert message["urgency"] == "invitation"
    assert message["body"] == (
        "Konveksi Siti: mohon isi Survei dampak COVID-19, April 2020 sampai 8 Mei 2020, cukup sekali: "
        f"{LINK} Jawaban rahasia. Kantor dinas 19.71."
    )


def test_a_link_that_is_too_long_is_not_cut_off_but_left_to_the_office() -> None:
    event = opened("https://" + "w" * LENGTH_MAX["link"])
    for language, words in ((Language.INDONESIAN, "minta tautannya"), (Language.ENGLISH, "ask the office")):
        body = compose("survey", event, Reading(language, None, ("Konveksi Siti",))).body
        assert words in body
        assert "https" not in body
