import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.registration.consents import domain
from services.registration.consents.domain import Act, ConsentNotGiven, ConsentOvertaken, How, Kind, follow, mistakes
from shared.contracts.registration import ConsentChanged
from shared.database import Database
from shared.security import KeyStore
from shared.telemetry import AsgiApp
from tests.door import Client, Recorded, told
from tests.registration.people import OFFICE, owner, registration

Door = Mapping[str, Client]
NOW = datetime(2020, 9, 14, 2, 0, tzinfo=UTC)
TEXT = {"id": "contact-by-phone", "version": 1, "language": "id"}
GIVEN = {
    "kind": "contact_by_phone",
    "given": True,
    "how": "thumbprint",
    "happened_at": NOW.isoformat(),
    "text": TEXT,
    "proof": "Map 12/2020, lembar 3",
}
TAKEN_BACK = {
    "kind": "contact_by_phone",
    "given": False,
    "how": "spoken",
    "happened_at": (NOW + timedelta(days=1)).isoformat(),
}


@pytest.fixture
async def siti(door: Door) -> str:
    made = (await door["pangkalpinang"].post("/registration/businesses", json=registration())).json()
    return str(made["owner_id"])


def path(owner_id: object) -> str:
    return f"/registration/owners/{owner_id}/consents"


def act(**changes: object) -> Act:
    given: dict[str, object] = {
        "kind": Kind.PUBLISH_STORY,
        "given": True,
        "how": How.SIGNATURE,
        "happened_at": NOW,
        "text_id": "publish-story",
        "text_version": 1,
        "language": "id",
        "proof": "Map 1",
    }
    return Act(**given | changes)  # type: ignore[arg-type]  # as the rules' own table names them


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"text_id": None}, [("/text", "missing")]),
        ({"text_version": 2}, [("/text/id", "unknown_text")]),
        ({"text_id": "contact-by-phone"}, [("/text/id", "unknown_text")]),  # of another kind
        ({"proof": None}, [("/proof", "missing")]),
        ({"how": How.SPOKEN}, [("/witness", "missing")]),
        ({"how": How.SPOKEN, "witness": "Rahmat", "proof": None}, []),
        ({"how": How.ONLINE, "proof": None}, []),
        ({"happened_at": NOW + timedelta(seconds=1)}, [("/happened_at", "in_the_future")]),
        ({"given": False}, [("/text", "not_for_withdrawal")]),
        ({"given": False, "text_id": None, "how": How.SPOKEN, "proof": None}, []),  # as easy as that
    ],
)
def test_an_act_is_one_by_its_text_and_its_proof(changes: dict[str, object], expected: list[tuple[str, str]]) -> None:
    assert [(error.pointer, error.code) for error in mistakes(act(**changes), NOW)] == expected


def test_only_what_was_given_can_be_taken_back_and_only_later() -> None:
    back = act(given=False, text_id=None)
    follow(None, act())
    follow((True, NOW), act())  # anew, to a newer text perhaps
    follow((True, NOW), back)
    follow((False, NOW), act())
    for before in (None, (False, NOW)):
        with pytest.raises(ConsentNotGiven):
            follow(before, back)
    with pytest.raises(ConsentOvertaken):
        follow((True, NOW + timedelta(seconds=1)), back)


def test_every_kind_has_a_text_in_both_languages_that_is_what_it_was_published_as() -> None:
    assert {one.kind for one in domain.texts().values()} == set(Kind)
    for one in domain.texts().values():
        assert set(one.words) == {"id", "en"}
        assert all(len(words) > 100 for words in one.words.values())


async def test_consent_is_kept_with_text_version_hash_time_and_proof(door: Door, siti: str, recorded: Recorded) -> None:
    answer = await door["pangkalpinang"].post(path(siti), json=GIVEN)
    assert answer.status_code == 201, answer.text
    kept = answer.json()
    (shown,) = (await door["auditor"].get(path(siti))).json()["items"]
    assert shown == kept
    texts = (await door["office"].get("/registration/consent-texts")).json()["items"]
    (agreed,) = [one for one in texts if one["id"] == "contact-by-phone"]
    assert kept["text_sha256"] == agreed["sha256"]["id"]
    assert (kept["text_version"], kept["text_language"], kept["proof"]) == (1, "id", "Map 12/2020, lembar 3")
    assert (kept["recorded_by"], kept["role"]) == ("officer-19.71", "regency_officer")
    assert (await recorded())[-1] == ConsentChanged(
        owner_id=UUID(siti),
        region="19.71",
        kind="contact_by_phone",
        given=True,
        text_id="contact-by-phone",
        text_version=1,
        happened_at=NOW,
    )


async def test_a_withdrawal_holds_from_then_on_and_the_history_is_kept(
    door: Door, siti: str, recorded: Recorded
) -> None:
    await door["pangkalpinang"].post(path(siti), json=GIVEN)
    answer = await door["office"].post(path(siti), json=TAKEN_BACK)
    assert (answer.status_code, answer.json()["given"], answer.json()["text_id"]) == (201, False, None)
    (holds,) = (await door["office"].get(path(siti))).json()["items"]
    assert holds["given"] is False
    first = (await door["office"].get(f"{path(siti)}/history?limit=1")).json()
    rest = (await door["office"].get(f"{path(siti)}/history?cursor={first['next']}")).json()
    assert [one["given"] for one in (*first["items"], *rest["items"])] == [False, True]
    assert [one.given for one in await recorded() if isinstance(one, ConsentChanged)] == [True, False]
    again = await door["office"].post(path(siti), json=TAKEN_BACK)
    assert (again.status_code, again.json()["code"]) == (409, "consent_not_given")
    late = await door["office"].post(path(siti), json=GIVEN)
    assert (late.status_code, late.json()["code"]) == (409, "consent_overtaken")


async def test_every_mistake_of_consent_is_told_at_once(door: Door, siti: str, recorded: Recorded) -> None:
    before = await recorded()
    body = GIVEN | {"text": TEXT | {"version": 9}, "proof": None, "happened_at": "2999-01-01T00:00:00Z"}
    answer = await door["pangkalpinang"].post(path(siti), json=body)
    assert told(answer) == {
        ("/text/id", "unknown_text"),
        ("/proof", "missing"),
        ("/happened_at", "in_the_future"),
    }
    assert told(await door["office"].post(path(siti), json=GIVEN | {"how": "online"})) == {("/how", "unknown_value")}
    assert await recorded() == before


async def test_the_consents_of_another_region_and_of_nobody_are_absent(door: Door, siti: str) -> None:
    for name in (siti, uuid4()):
        assert (await door["belitung"].get(path(name))).status_code == 404
        assert (await door["belitung"].get(f"{path(name)}/history")).status_code == 404
        assert (await door["belitung"].post(path(name), json=GIVEN)).status_code == 404
    assert (await door["auditor"].post(path(siti), json=GIVEN)).status_code == 403


async def test_owners_say_so_themselves(door: Door, siti: str, app: AsgiApp, keys: KeyStore) -> None:
    async with Client(app, keys, owner(UUID(siti))) as client:
        given = await client.post("/registration/my/consents", json={"kind": "publish_story", "given": True, "text": {"id": "publish-story", "version": 1, "language": "en"}})  # fmt: skip  # noqa: E501
        assert (given.status_code, given.json()["how"], given.json()["role"]) == (201, "online", "owner")
        back = await client.post("/registration/my/consents", json={"kind": "publish_story", "given": False})
        assert back.status_code == 201
        (holds,) = (await client.get("/registration/my/consents")).json()["items"]
        assert (holds["kind"], holds["given"]) == ("publish_story", False)
        assert (await client.get(path(siti))).status_code == 403
    async with Client(app, keys, owner(uuid4())) as stranger:
        assert (await stranger.get("/registration/my/consents")).status_code == 404


async def test_of_racing_withdrawals_one_is_the_first(door: Door, siti: str, database: Database) -> None:
    await door["office"].post(path(siti), json=GIVEN)
    answers = await asyncio.gather(*(door["office"].post(path(siti), json=TAKEN_BACK) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    async with database.reading(OFFICE) as work:
        numbers = (await work.session.execute(text("SELECT no FROM consent_act ORDER BY no"))).scalars()
        assert list(numbers) == [1, 2]


@pytest.mark.parametrize("change", ["UPDATE consent_act SET proof = 'x'", "DELETE FROM consent_act"])
async def test_what_was_said_is_only_added_to(door: Door, siti: str, database: Database, change: str) -> None:
    await door["office"].post(path(siti), json=GIVEN)
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.work(OFFICE) as work:
            await work.session.execute(text(change))
