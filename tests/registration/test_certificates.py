"""The end of a training: certificates for who attended enough, each once and numbered, and what everybody may see."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.contracts.registration import CertificateIssued, CertificateRevoked, TrainingFinished
from shared.routes import PUBLIC_PAGES_PER_MINUTE
from tests.door import Recorded
from tests.registration.people import OFFICE
from tests.registration.seats import Story

PAGES = "/registration/certificate-pages"


async def held(story: Story, *attended: int, **changes: object) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Hold a training of four sessions, of which each participant attends so many."""
    training, people = await story.seated(len(attended), **changes)
    story.clock.at += timedelta(days=10)
    scans = []
    for person, sessions in zip(people, attended, strict=True):
        code = await story.code(person)
        scans += [story.scanned(code, session) for session in range(1, sessions + 1)]
    if scans:
        await story.scan(training, *scans)
    return training, people


def finish_of(training: dict[str, Any]) -> str:
    return f"/registration/trainings/{training['id']}/finish"


async def certificates(story: Story, training: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await story.door["office"].get(f"/registration/trainings/{training['id']}/certificates")
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_who_attended_enough_has_a_certificate_and_the_training_is_finished(story: Story) -> None:
    training, people = await held(story, 4, 3, 4)
    done = await story.done("office", finish_of(training))
    assert (done["participants"], done["sessions_held"], done["sessions_needed"], done["certificates"]) == (3, 4, 4, 2)
    year = story.clock.today.year
    found = await certificates(story, training)
    assert [one["number"] for one in found] == [f"{year}-19.71-CT-0001", f"{year}-19.71-CT-0002"]
    assert {one["enrolment_id"] for one in found} == {people[0]["id"], people[2]["id"]}
    events = await Recorded(story.database)()
    issued = [one for one in events if isinstance(one, CertificateIssued)]
    assert [(one.number, one.attended, one.held) for one in issued] == [(one["number"], 4, 4) for one in found]
    (finished,) = [one for one in events if isinstance(one, TrainingFinished)]
    assert (finished.participants, finished.certificates) == (3, 2)
    assert (await story.training(training))["state"] == "finished"
    assert await story.audited() == []


async def test_the_share_is_that_of_the_training_and_of_the_sessions_that_were_held(story: Story) -> None:
    training, people = await story.seated(2, attendance_percent=60)
    await story.done("office", f"/registration/trainings/{training['id']}/sessions/4/cancellation", reason="Sakit")
    story.clock.at += timedelta(days=10)
    codes = [await story.code(person) for person in people]
    await story.scan(training, story.scanned(codes[0], 1), story.scanned(codes[0], 3), story.scanned(codes[1], 1))
    done = await story.done("office", finish_of(training))
    assert (done["sessions_held"], done["sessions_needed"], done["certificates"]) == (3, 2, 1)


async def test_finishing_again_gives_the_same_and_only_what_was_told_late_besides(story: Story) -> None:
    training, people = await held(story, 4, 3)
    first, again = [await story.done("office", finish_of(training)) for _ in range(2)]
    assert again == first
    assert await story.scan(training, story.scanned(await story.code(people[1]), 4)) == [("recorded", None)]
    late = await story.done("office", finish_of(training))
    assert late == first | {"certificates": 2}
    assert len([one for one in await Recorded(story.database)() if isinstance(one, TrainingFinished)]) == 1
    assert await story.audited() == []


async def test_two_who_finish_at_once_give_each_certificate_once(story: Story) -> None:
    training, _ = await held(story, 4, 4)
    done = await asyncio.gather(*(story.done("office", finish_of(training)) for _ in range(5)))
    assert all(one == done[0] for one in done)
    assert len(await certificates(story, training)) == 2


async def test_numbers_have_no_gap_over_trainings_that_end_at_once(story: Story) -> None:
    trainings = [(await held(story, 4, 4, programme=f"TR-{number}"))[0] for number in range(3)]
    story.clock.at += timedelta(days=30)
    await asyncio.gather(*(story.done("office", finish_of(one)) for one in trainings))
    numbers = sorted([one["number"] for training in trainings for one in await certificates(story, training)])
    assert numbers == [f"{story.clock.today.year}-19.71-CT-{no:04d}" for no in range(1, 7)]
    assert await story.audited() == []


async def test_a_training_is_finished_on_its_last_day_and_not_before(story: Story) -> None:
    training, _ = await story.seated(1)
    assert await story.refused("office", finish_of(training)) == (409, "training_not_over")
    assert (await story.door["pangkalpinang"].post(finish_of(training), json={})).status_code == 403
    story.clock.at += timedelta(days=10)
    assert (await story.done("office", finish_of(training)))["certificates"] == 0
    cancelled = f"/registration/trainings/{training['id']}/cancellation"
    assert await story.refused("office", cancelled, reason="x") == (409, "training_over")
    other = await story.announce()
    await story.done("office", f"/registration/trainings/{other['id']}/cancellation", reason="x")
    assert await story.refused("office", finish_of(other)) == (409, "training_cancelled")


async def test_everybody_sees_whether_a_certificate_is_true_and_nobody_a_name(
    story: Story, anybody: httpx.AsyncClient
) -> None:
    training, _ = await held(story, 4)
    await story.done("office", finish_of(training))
    (one,) = await certificates(story, training)
    path = f"{PAGES}/{one['code']}"
    public = anybody
    told = (await public.get(path, headers={"Accept": "application/json"})).json()
    assert (told["number"], told["initials"], told["valid"]) == (one["number"], "P. A.", True)
    page = await public.get(path, headers={"Accept": "text/html"})
    assert (page.status_code, "Asli dan berlaku" in page.text) == (200, True)
    business = one["business_name"]
    for hidden in (one["holder"], business, one["business_id"], one["enrolment_id"]):
        assert hidden not in page.text
        assert hidden not in str(told)


@pytest.mark.parametrize("changed", ["number", "mark", "nothing", "long"])
async def test_a_code_that_was_not_made_here_has_one_answer(
    story: Story, anybody: httpx.AsyncClient, changed: str
) -> None:
    training, _ = await held(story, 4)
    await story.done("office", finish_of(training))
    (one,) = await certificates(story, training)
    number, _, mark = one["code"].rpartition("_")
    codes = {"number": f"{number}1_{mark}", "mark": f"{number}_{mark[::-1]}", "nothing": "_", "long": "x" * 300}
    page = await anybody.get(f"{PAGES}/{codes[changed]}", headers={"Accept": "text/html"})
    assert (page.status_code, "Tidak berlaku" in page.text) == (404, True)
    answer = await anybody.get(f"{PAGES}/{codes[changed]}", headers={"Accept": "application/json"})
    assert answer.status_code == 404


async def test_a_certificate_is_printed_for_its_office_and_its_owner(story: Story) -> None:
    training, (person,) = await held(story, 4)
    stranger = await story.business()
    await story.done("office", finish_of(training))
    (one,) = await certificates(story, training)
    path = f"/registration/certificates/{one['id']}/paper"
    paper = await story.door["pangkalpinang"].get(path)
    assert (paper.status_code, paper.headers["content-type"], paper.content[:5]) == (200, "application/pdf", b"%PDF-")
    assert one["number"] in paper.headers["content-disposition"]
    assert (await story.door["belitung"].get(path)).status_code == 404
    assert (await story.door["auditor"].get(path)).status_code == 403
    business = (await story.door["office"].get(f"/registration/businesses/{person['business_id']}")).json()
    async with story.owner_of(business) as owner, story.owner_of(stranger) as other:
        assert (await owner.get(path)).status_code == 200
        assert (await other.get(path)).status_code == 404


async def test_an_owner_lists_their_own_certificates_the_latest_first(story: Story, anybody: httpx.AsyncClient) -> None:
    first, (hers, another) = await held(story, 4, 4)
    firm = (await story.door["office"].get(f"/registration/businesses/{hers['business_id']}")).json()
    await story.done("office", finish_of(first))
    second = await story.announce(programme="TR-2020-04", title="Bimtek pola", seats=1)
    again = await story.apply(second, firm)
    await story.offer(second)
    await story.answer(again)
    story.clock.at += timedelta(days=10)
    code = await story.code(again)
    await story.scan(second, *(story.scanned(code, session) for session in range(1, 5)))
    await story.done("office", finish_of(second))
    path = "/registration/my/certificates"
    async with story.owner_of(firm) as owner:
        page = (await owner.get(path, params={"limit": 1})).json()
        rest = (await owner.get(path, params={"limit": 1, "cursor": page["next"]})).json()
        assert ([one["title"] for one in page["items"] + rest["items"]], rest["next"]) == (
            ["Bimtek pola", "Bimtek konveksi"],
            None,
        )
        (old,) = rest["items"]
        (known,) = [one for one in await certificates(story, first) if one["business_id"] == firm["id"]]
        assert all(old[name] == known[name] for name in old.keys() & known.keys())
        days = [one["held_on"] for one in first["sessions"]]
        assert (old["starts_on"], old["ends_on"], old["state"]) == (days[0], days[-1], "valid")
        page_of_all = await anybody.get(f"{PAGES}/{old['code']}", headers={"Accept": "application/json"})
        assert page_of_all.json()["number"] == old["number"]
        await story.done("office", f"/registration/certificates/{old['id']}/revocation", reason="Salah cetak")
        revoked = (await owner.get(path)).json()["items"][1]
        assert (revoked["state"], revoked["revoke_reason"]) == ("revoked", "Salah cetak")
        assert (await owner.get(path, params={"limit": 0})).status_code == 422
    elsewhere = (await story.door["office"].get(f"/registration/businesses/{another['business_id']}")).json()
    async with story.owner_of(elsewhere) as other:
        (theirs,) = (await other.get(path)).json()["items"]
        assert theirs["business_id"] == elsewhere["id"]
    async with story.owner_of(await story.business()) as nobody:
        assert (await nobody.get(path)).json() == {"items": [], "next": None}
    assert (await story.door["office"].get(path)).status_code == 403


async def test_a_certificate_is_revoked_once_and_its_page_says_so(story: Story, anybody: httpx.AsyncClient) -> None:
    training, _ = await held(story, 4)
    await story.done("office", finish_of(training))
    (one,) = await certificates(story, training)
    path = f"/registration/certificates/{one['id']}/revocation"
    shown = await story.done("office", path, reason="Tanda tangan palsu")
    assert (shown["revoke_reason"], shown["number"]) == ("Tanda tangan palsu", one["number"])
    assert await story.refused("office", path, reason="Lagi") == (409, "already_revoked")
    page = await anybody.get(f"{PAGES}/{one['code']}", headers={"Accept": "text/html"})
    assert "Asli, tetapi dicabut" in page.text
    (event,) = [event for event in await Recorded(story.database)() if isinstance(event, CertificateRevoked)]
    assert (event.certificate_id, event.reason) == (UUID(one["id"]), "Tanda tangan palsu")
    # Finishing again does not give another one.
    assert (await story.done("office", finish_of(training)))["certificates"] == 1
    assert (await story.door["pangkalpinang"].get(f"/registration/certificates/{one['id']}/paper")).status_code == 200


async def test_attendance_that_a_certificate_rests_on_is_taken_back_once_that_is_revoked(story: Story) -> None:
    training, (siti, other) = await held(story, 4, 3)
    await story.done("office", finish_of(training))
    (one,) = await certificates(story, training)
    path = f"/registration/trainings/{training['id']}/sessions/1/attendance/taking-back"
    body: dict[str, Any] = {"enrolment_id": siti["id"], "reason": "Salah orang"}
    answer = await story.door["office"].post(path, json=body)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (409, "certificate_stands")
    assert (told["certificate_id"], told["number"]) == (one["id"], one["number"])
    await story.done("office", path, **(body | {"enrolment_id": other["id"]}))  # who has none may lose it
    await story.done("office", f"/registration/certificates/{one['id']}/revocation", reason="Salah orang")
    await story.done("office", path, **body)
    assert (await story.done("office", finish_of(training)))["certificates"] == 1
    assert await story.audited() == []


async def test_who_opens_page_after_page_from_one_address_waits_and_nobody_else_does(
    story: Story, anybody: httpx.AsyncClient
) -> None:
    training, _ = await held(story, 4)
    await story.done("office", finish_of(training))
    (one,) = await certificates(story, training)
    path = f"{PAGES}/{one['code']}"
    here = {"Accept": "text/html", "X-Forwarded-For": "36.66.1.9"}
    for _ in range(PUBLIC_PAGES_PER_MINUTE):
        assert (await anybody.get(path, headers=here)).status_code == 200
    page = await anybody.get(path, headers=here)
    assert (page.status_code, page.headers["retry-after"], "Tunggu satu menit" in page.text) == (429, "1", True)
    told = await anybody.get(path, headers=here | {"Accept": "application/json"})
    assert (told.status_code, told.json()["code"]) == (429, "too_many_requests")
    assert (await anybody.get(path, headers=here | {"X-Forwarded-For": "36.66.1.10"})).status_code == 200
    # What stands before the last public address is anybody's word.
    forged = here | {"X-Forwarded-For": "36.66.1.77, 36.66.1.9"}
    assert (await anybody.get(path, headers=forged)).status_code == 429
    assert (await story.door["office"].get(path, headers=here)).status_code == 200
    story.clock.at += timedelta(seconds=1)
    assert (await anybody.get(path, headers=here)).status_code == 200
    assert (await anybody.get(path, headers=here)).status_code == 429


GUARDED = (
    "DELETE FROM attendance",
    "UPDATE certificate SET attended = 5",
    "UPDATE certificate SET revoke_reason = 'x'",
    "UPDATE certificate SET number = 'same'",
    "UPDATE certificate SET enrolment_id = (SELECT id FROM enrolment LIMIT 1)",
    "UPDATE certificate_series SET last = 0",
)


@pytest.mark.parametrize("order", GUARDED)
async def test_the_database_is_the_last_guard(story: Story, order: str) -> None:
    training, _ = await held(story, 4, 4)
    await story.done("office", finish_of(training))
    with pytest.raises(IntegrityError):
        async with story.database.work(OFFICE) as work:
            await work.session.execute(text(order))


WRONG = {
    "certificate_numbers_without_gap": "DELETE FROM certificate WHERE no = 1",
    "certificate_is_of_its_finished_training": "UPDATE training SET state = 'announced', finished_at = NULL",
    "certificate_rests_on_attendance": "UPDATE certificate SET attended = 5, held = 5 WHERE no = 1",
    "attendance_is_of_its_training": "UPDATE attendance SET training_id = (SELECT id FROM training WHERE seats = 9)",
}


@pytest.mark.parametrize("check", WRONG)
async def test_an_error_in_the_books_is_found(story: Story, check: str) -> None:
    training, _ = await held(story, 4, 4)
    await story.announce(seats=9)
    await story.done("office", finish_of(training))
    assert await story.audited() == []
    async with story.database.work(OFFICE) as work:
        await work.session.execute(text(WRONG[check]))
    assert {name for name, *_ in await story.audited()} == {check}
