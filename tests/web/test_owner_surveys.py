"""An owner who is asked how business is: by a link, with or without signing in, on a phone that loses its signal."""

import re

from playwright.async_api import Route, expect

from tests.journey.people import Json, World
from tests.journey.test_training_life import day
from tests.waiting import wait_until
from tests.web.people import signs_in
from tests.web.seen import Seen

OWNER, BUSINESS, REGION = "Kartini Lubis", "Kue Rintak Kartini", "19.06"
SURVEYS = "/registration/surveys"
BEFORE, NOW = "turnover_before_rupiah", "turnover_now_rupiah"


async def opened(world: World, title: str) -> Json:
    """Let the province ask the food makers of her regency."""
    province = world.office("19")
    wave = {
        "title": title, "region": REGION, "opens_on": day(-1), "closes_on": day(20),
        "before_month": "2020-02", "now_month": "2020-09",
    }  # fmt: skip
    survey: Json = (await province.asks(SURVEYS, wave)).json()
    await province.asks(f"{SURVEYS}/{survey['id']}/invitations", {"sector": "food"})
    return survey


async def answers(world: World, survey: Json) -> list[Json]:
    """Give what her business has answered, the latest first."""
    business = str(world.business(BUSINESS))
    found: list[Json] = (await world.office("19").sees(f"{SURVEYS}/{survey['id']}/answers", business_id=business))[
        "items"
    ]
    return found


async def link_in_the_message(world: World, survey: Json) -> str:
    """Wait for the message that asks her, and give where its link leads."""
    owner = world.owner(OWNER)
    mine = (await owner.sees("/registration/my/surveys"))["items"]
    (code,) = [one["code"] for one in mine if one["survey_id"] == survey["id"]]

    async def told() -> str | None:
        items = (await owner.sees("/notifications/inbox", limit=50))["items"]
        found = [re.search(rf"https?://[^/]+(/\S+/{code})(?=\s)", item["body"]) for item in items]
        return next((one[1] for one in found if one), None)

    return await wait_until(told, description="the message with the link")


async def test_an_owner_who_is_signed_in_answers_a_survey_and_nothing_that_was_filled_in_is_lost(
    seen: Seen, world: World
) -> None:
    await seen.opens("/survei")
    await signs_in(seen, world, OWNER, lands_on="Survei")
    await seen.says("Belum ada survei untuk Anda")
    await seen.is_for_everybody("survei-kosong")
    survey = await opened(world, "Survei September")
    await seen.presses("Kotak masuk", role="link")
    await seen.page.get_by_role("link", name="Buka survei untuk menjawab").click()
    card = seen.page.get_by_role("article", name="Survei September")
    await expect(card).to_contain_text(f"Untuk usaha: {BUSINESS}")
    await expect(card).to_contain_text("Jawab paling lambat")
    await seen.is_for_everybody("survei")
    await card.get_by_role("link", name="Isi survei").click()
    await seen.says("Cukup tiga menit")
    await seen.is_for_everybody("survei-isian")

    await is_told_what_is_wrong_beside_each_field(seen)

    # The page is closed and opened again: what was filled in is there, and the list of surveys says so.
    await seen.opens("/survei")
    await card.get_by_role("link", name="Lanjutkan isian Anda").click()
    await expect(seen.page.get_by_label("Berhenti sementara")).to_be_checked()
    await expect(seen.page.locator(f"#{BEFORE}")).to_have_value("2.500.000")
    await seen.page.locator(f"#{NOW}").fill("Rp 1.000.000")
    await seen.page.locator("#workers_before").fill("5")
    await sends_until_it_is_taken(seen)
    (answer,) = await answers(world, survey)
    assert (answer["status"], answer["channel"]) == ("suspended", "link")
    assert (answer["turnover_decline_permille"], answer["workers_before"], answer["workers_now"]) == (600, 5, 4)
    kept = await seen.page.evaluate("Object.keys(localStorage)")
    assert [name for name in kept if "survey" in name] == []

    await seen.opens("/survei")
    await expect(card).to_contain_text("Sudah dijawab")
    await expect(card.get_by_role("link")).to_have_count(0)
    await seen.presses("English")
    await seen.says("Answered")
    await seen.is_for_everybody("survey-answered")


async def is_told_what_is_wrong_beside_each_field(seen: Seen) -> None:
    """Send what is not right: everything is told at once, and one is where the first of it is."""
    await seen.page.get_by_role("group", name="Omzet").get_by_label("Februari 2020").fill("2,5 juta")
    await seen.page.get_by_role("group", name="tenaga kerja").get_by_label("September 2020").fill("4")
    await seen.page.get_by_role("button", name="Kirim").click()
    await expect(seen.page.locator("#wrong-status")).to_contain_text("Pilih salah satu.")
    await expect(seen.page.locator(f"#wrong-{BEFORE}")).to_contain_text("Tulis angka saja")
    await expect(seen.page.locator(f"#wrong-{NOW}")).to_contain_text("Fill in both figures")
    await expect(seen.page.locator("#wrong-workers_before")).to_contain_text("Isi kedua angka")
    assert await seen.page.evaluate("document.activeElement.name") == "status"
    await seen.is_for_everybody("survei-salah")
    await seen.page.get_by_label("Berhenti sementara").check()
    await seen.page.locator(f"#{BEFORE}").fill("2.500.000")
    await expect(seen.page.locator(f"#wrong-{BEFORE}")).to_be_empty()


async def sends_until_it_is_taken(seen: Seen) -> None:
    """Send without a signal, then so that the answer gets lost on the way back, and once more: it is taken once."""
    await seen.context.set_offline(True)
    await seen.page.get_by_role("button", name="Kirim").click()
    await seen.says("Isian tersimpan di HP ini")
    await seen.context.set_offline(False)

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort("internetdisconnected")

    await seen.page.route("**/survey-links/*", lose, times=1)
    await seen.page.get_by_role("button", name="Kirim").click()
    await expect(seen.page.locator("#said")).to_contain_text("Tidak ada sambungan")
    await seen.page.get_by_role("button", name="Kirim").click()
    await seen.says("Terima kasih. Jawaban Anda sudah kami terima.")
    await expect(seen.page.get_by_role("button", name="Kirim")).to_be_hidden()


async def test_the_link_in_a_message_leads_to_the_survey_without_signing_in(seen: Seen, world: World) -> None:
    survey = await opened(world, "Survei Oktober")
    path = await link_in_the_message(world, survey)
    await seen.opens(path)
    assert await seen.context.cookies() == []
    await is_emptied_when_somebody_signs_out(seen)
    # By the keyboard alone: the first choice is reached, chosen, and sent.
    await seen.page.keyboard.press("Tab")
    await seen.page.keyboard.press("Space")
    await expect(seen.page.get_by_label("Berjalan")).to_be_checked()
    await seen.page.keyboard.press("Enter")
    await seen.says("Thank you, we have your answer.")
    assert [one["status"] for one in await answers(world, survey)] == ["running"]

    # Opened again it says that it was used; what a second phone had filled in is thrown away there.
    draft = f"serumpun.survey.{path.rpartition('/')[2]}"
    await seen.page.evaluate("name => localStorage.setItem(name, '{}')", draft)
    await seen.opens(path)
    await seen.says("Sudah dijawab")
    assert await seen.page.evaluate("name => localStorage.getItem(name)", draft) is None
    await seen.is_for_everybody("survei-dijawab")


async def is_emptied_when_somebody_signs_out(seen: Seen) -> None:
    """Fill in, and take away what the telephone keeps in another tab, as signing out does: nothing is written anew."""
    workers = seen.page.locator("#workers_before")
    await workers.fill("5")
    other = await seen.context.new_page()
    await other.goto(seen.page.url)
    await other.evaluate("localStorage.clear()")
    await other.close()
    await seen.says("Isian dikosongkan")
    await expect(workers).to_have_value("")
    await workers.fill("6")
    assert await seen.page.evaluate("Object.keys(localStorage)") == []
    await seen.page.reload()
    await expect(workers).to_have_value("")


async def test_who_has_the_form_open_when_the_survey_closes_is_told_so(seen: Seen, world: World) -> None:
    survey = await opened(world, "Survei November")
    await seen.opens(await link_in_the_message(world, survey))
    await seen.page.get_by_label("Tutup").check()
    await world.office("19").asks(f"{SURVEYS}/{survey['id']}/closing", {"reason": "Lengkap"})
    await seen.page.get_by_role("button", name="Kirim").click()
    await seen.says("Survei sudah ditutup.")
    await expect(seen.page.get_by_role("button", name="Kirim")).to_be_hidden()
    assert await answers(world, survey) == []
