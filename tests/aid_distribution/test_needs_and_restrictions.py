"""What businesses declare weighs in a plan; whose data may only be stored is chosen by nothing new."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID, uuid4

import pytest

from services.aid_distribution.audits import AUDITS
from services.aid_distribution.businesses import needs
from services.aid_distribution.copies import TABLES
from services.aid_distribution.planning.orders import Need
from services.aid_distribution.planning.views import LineView
from shared.contracts import Event
from shared.contracts.registration import (
    BusinessClosed,
    PersonErased,
    PersonReleased,
    PersonRestricted,
    SurveyAnswered,
)
from shared.database import Database
from shared.effect_audit import Told
from shared.person_copy import copied
from shared.problems import Invalid
from shared.reaction import Heard
from tests.aid_distribution.story import (
    NOON,
    OFFICE,
    OPERATOR,
    ago,
    ask,
    distribute,
    distribution,
    plant,
    receipt,
    receive,
)
from tests.aid_distribution.test_allocation import CITY, ISLAND, order, plan, stocked  # noqa: F401 - one is a fixture
from tests.aid_distribution.test_distributions import codes, happened
from tests.aid_distribution.workshops import (
    FAR,
    HARTINI,
    HER,
    HIS,
    LINA,
    YUSNITA,
    call,
    offer,
    open_workshops,
    proposed,
    ranked,
)
from tests.door import Client

Door = Mapping[str, Client]
TODAY = date(2026, 5, 20)


def answered(
    business: UUID, need: str, on: date = TODAY, *, participant: UUID | None = None, region: str = "19.71"
) -> SurveyAnswered:
    return SurveyAnswered(
        participant_id=participant or uuid4(),
        survey_id=UUID(int=1),
        business_id=business,
        region=region,
        answer_id=uuid4(),
        sector="garment",
        status="running",
        channel="office",
        answered_on=on,
        need=need,
    )


async def line_of(database: Database, region: str = CITY, **more: int) -> LineView:
    """Plan for one region and give its line."""
    need = Need(region=region, place=f"WH-{region}", need_quantity=100, **more)
    shown = await plan(database, order([need], quantity=50))
    return shown.lines[0]


async def heard_wrong(database: Database, *events: Event) -> set[str]:
    """Give what the audits of what was heard find wrong about these events, the last of each subject."""
    told = [Told("registration", 0, seq, NOON, event) for seq, event in enumerate(events, 1)]
    found: dict[tuple[str, str], str] = {}
    for audit in AUDITS.heard:
        asked = [one for one in told if type(one.event) in audit.events]
        if asked:
            async with database.reading(OFFICE) as work:
                seen = await audit.look(work.session, asked)
            found |= {(one.told.event.subject, one.aspect): one.wrong for one in seen}
    return set(found.values()) - {""}


@pytest.fixture
async def asked(stocked: Database) -> Database:  # noqa: F811 - the fixture
    """Four tailors in two regions, and stock to share among these."""
    await open_workshops(stocked)
    return stocked


async def test_a_line_without_a_decline_takes_what_its_businesses_declared(asked: Database) -> None:
    nobody = await line_of(asked)
    assert (nobody.decline_permille, nobody.decline_from, nobody.decline_answers) == (0, "surveys", 0)
    await happened(asked, answered(HARTINI, "high"), answered(LINA, "medium"), answered(YUSNITA, "low"))
    await happened(asked, answered(FAR, "low", region="19.02"))
    line = await line_of(asked)
    assert (line.decline_permille, line.decline_from, line.decline_answers) == (500, "surveys", 3)
    assert line.weight_permille == 1_500
    assert "50,0% menurut 3 jawaban survei" in line.explanation.id
    assert "50.0% by 3 answers to surveys" in line.explanation.en
    assert (await line_of(asked, ISLAND)).decline_permille == 0
    told = await line_of(asked, decline_permille=0)
    assert (told.decline_permille, told.decline_from, told.decline_answers) == (0, "given", None)


async def test_the_last_word_of_a_business_counts_and_only_for_a_year(asked: Database) -> None:
    wave = uuid4()
    await happened(asked, answered(HARTINI, "low", date(2026, 4, 1)))
    await happened(asked, answered(HARTINI, "medium", participant=wave))
    await happened(asked, answered(HARTINI, "high", participant=wave))
    await happened(asked, answered(LINA, "low", date(2025, 5, 19)))
    line = await line_of(asked)
    assert (line.decline_permille, line.decline_answers) == (1_000, 1)
    await happened(asked, BusinessClosed(business_id=HARTINI, owner_id=HER, region="19.71", reason="no orders"))
    assert (await line_of(asked)).decline_answers == 0


async def test_of_two_answers_heard_at_once_the_later_counts(asked: Database) -> None:
    wave = uuid4()
    answers = [answered(HARTINI, need, participant=wave) for need in ("low", "high")]
    async with asked.work(OPERATOR) as work:
        await needs.learn(work, [Heard(one, OPERATOR) for one in answers])
    line = await line_of(asked)
    assert (line.decline_permille, line.decline_answers) == (1_000, 1)


async def test_needs_weigh_when_goods_are_scarce(asked: Database) -> None:
    await happened(asked, answered(HARTINI, "high"), answered(FAR, "low", region="19.02"))
    needs = [Need(region=one, place=f"WH-{one}", need_quantity=100) for one in (CITY, ISLAND)]
    shown = await plan(asked, order(needs, quantity=90))
    assert {line.region: line.quantity for line in shown.lines} == {CITY: 60, ISLAND: 30}


async def test_of_who_was_erased_nothing_is_kept_also_not_what_is_heard_of_later(asked: Database) -> None:
    before, later = answered(HARTINI, "high"), answered(HARTINI, "high", date(2026, 5, 21))
    erased = PersonErased(owner_id=HER, region="19.71", businesses=[HARTINI])
    await happened(asked, PersonRestricted(owner_id=HER, region="19.71"), before, answered(LINA, "low"))
    assert await heard_wrong(asked, before) == set()
    await happened(asked, erased, later)
    assert await ask(asked, "SELECT business_id FROM declared_need") == [(LINA,)]
    assert await ask(asked, "SELECT count(*) FROM restricted_person") == [(0,)]
    assert await heard_wrong(asked, before, erased, later) == set()


async def test_the_audits_see_what_is_missing_and_what_is_too_much(asked: Database) -> None:
    answer, restriction = answered(LINA, "high"), PersonRestricted(owner_id=HIS, region="19.71")
    await happened(asked, answer, restriction)
    assert await heard_wrong(asked, answer, restriction) == set()
    assert await heard_wrong(asked, PersonReleased(owner_id=HIS, region="19.71")) == {"it is kept still"}
    assert await heard_wrong(asked, PersonErased(owner_id=HIS, region="19.71", businesses=[LINA])) >= {
        "1 are still there"
    }
    async with asked.work(OFFICE) as work:
        await plant(work, "UPDATE declared_need SET need = 'low'", "DELETE FROM restricted_person")
    assert await heard_wrong(asked, answer, restriction) == {"the row differs in need", "it is not kept"}


async def test_a_copy_for_the_person_says_what_is_kept_of_both(asked: Database) -> None:
    await happened(asked, answered(HARTINI, "high"), PersonRestricted(owner_id=HER, region="19.71"))
    async with asked.reading(OFFICE) as work:
        found = await copied(work.session, TABLES, HER, [HARTINI])
    assert [row["need"] for row in found["declared_need"]] == ["high"]
    assert [row["owner_id"] for row in found["restricted_person"]] == [HER]


async def test_who_is_restricted_is_asked_for_no_production_until_released(asked: Database) -> None:
    call_ = await call(asked)
    assert (await proposed(asked, call_.id))[HARTINI] > 0
    await happened(asked, PersonRestricted(owner_id=HER, region="19.71"))
    lines = {line.business_id: line for line in (await ranked(asked, call_.id)).items}
    assert (lines[HARTINI].left_out, lines[HARTINI].proposed) == ("restricted", 0)
    assert lines[LINA].proposed > 0
    with pytest.raises(Invalid) as refused:
        await offer(asked, call_.id, HARTINI, 10, "asked by telephone")
    assert codes(refused) == [("/business", "restricted")]
    await happened(asked, PersonReleased(owner_id=HER, region="19.71"))
    assert (await offer(asked, call_.id, HARTINI)).quantity > 0


async def test_who_is_restricted_is_neither_drawn_nor_listed_and_what_they_received_is_recorded(
    asked: Database, door: Door
) -> None:
    await receive(asked, receipt(100, ago(2)))
    await distribute(asked, distribution(10, ago(1), businesses=[HARTINI, LINA]))
    office = door["office"]

    async def drawn() -> set[str]:
        days = {"programme": "free-masks", "from": "2026-05-01", "to": "2026-05-20", "seed": "a", "size": "9"}
        answer = await office.get("/aid/distributions/sample", params=days)
        assert answer.status_code == 200, answer.text
        return {one["business_id"] for one in answer.json()["recipients"]}

    async def missing() -> set[str]:
        answer = await office.get("/aid/follow-ups", params={"programme": "handwashing", "since": "2026-05-01"})
        assert answer.status_code == 200, answer.text
        return {one["business_id"] for one in answer.json()["items"]}

    assert await drawn() == {str(HARTINI), str(LINA)}
    assert str(HARTINI) in await missing()
    await happened(asked, PersonRestricted(owner_id=HER, region="19.71"))
    assert await drawn() == {str(LINA)}
    assert str(HARTINI) not in await missing()
    assert str(LINA) in await missing()
    received = await distribute(asked, distribution(5, businesses=[HARTINI]))
    assert received.recipients.businesses == [HARTINI]
    await happened(asked, answered(HARTINI, "high"), answered(LINA, "low"))
    assert (await line_of(asked)).decline_permille == 0
    await happened(asked, PersonReleased(owner_id=HER, region="19.71"))
    assert await drawn() == {str(HARTINI), str(LINA)}
    assert str(HARTINI) in await missing()
