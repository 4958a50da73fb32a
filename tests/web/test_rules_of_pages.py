"""What holds on every page: the keyboard alone, a policy that bites, both languages, and nothing left behind."""

import re

from playwright.async_api import expect

from tests.journey.people import World
from tests.waiting import wait_until
from tests.web.people import asks_for_a_code, signs_in
from tests.web.seen import Seen

FOCUSED = "document.activeElement.textContent || document.activeElement.id"


async def test_signing_in_needs_no_pointer_and_shows_where_one_is(seen: Seen, world: World) -> None:
    await seen.opens("/masuk")
    await seen.says("Kami kirim kode")
    await seen.page.keyboard.press("Shift+Tab")  # from the heading, where a page begins
    passed = []
    for _ in range(8):
        if await seen.page.evaluate("document.activeElement.id") == "phone":
            break
        passed.append(await seen.page.evaluate(FOCUSED))
        await seen.page.keyboard.press("Tab")
        outline = await seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid" or await seen.page.evaluate("document.activeElement.tagName") in ("H1", "BODY")
    await seen.page.keyboard.type("0812")
    await seen.page.keyboard.press("Enter")
    await seen.says("Ini bukan nomor telepon")
    field = seen.page.get_by_label("Nomor telepon")
    await expect(field).to_have_attribute("aria-invalid", "true")
    assert "wrong" in (await field.get_attribute("aria-describedby") or "")


async def test_the_first_key_leads_past_the_head_to_the_content(seen: Seen) -> None:
    await seen.opens("/periksa")
    await seen.says("Pindai kode QR")
    await seen.page.evaluate("document.activeElement.blur(); document.body.focus()")
    await seen.page.locator(".skip").focus()
    await expect(seen.page.locator(".skip")).to_be_in_viewport()
    await seen.page.keyboard.press("Enter")
    assert await seen.page.evaluate("document.activeElement.id") == "content"


async def test_the_public_page_leads_to_the_pages_of_papers(seen: Seen) -> None:
    await seen.opens("/periksa")
    await seen.is_for_everybody("periksa")
    await seen.presses("Periksa")
    await seen.says("Ketik kode")
    await seen.page.get_by_label("Kode pada kertas").fill("TIDAK/ADA")
    await seen.presses("Periksa")
    await seen.page.wait_for_url(re.compile(r"/aid/verify/TIDAK%2FADA$"))
    seen.complaints.clear()  # the answer that there is no such paper


async def test_the_policy_lets_no_inline_script_run(seen: Seen) -> None:
    await seen.opens("/masuk")
    await seen.page.evaluate(
        "() => { const one = document.createElement('script'); one.textContent = 'window.ran = 1';"
        " document.body.append(one); const other = document.createElement('p');"
        " other.setAttribute('style', 'color: red'); document.body.append(other); }"
    )
    assert await seen.page.evaluate("window.ran") is None
    assert len([said for said in seen.complaints if "Content Security Policy" in said]) == 2
    seen.complaints.clear()


async def test_an_inbox_in_english_is_for_everybody_too_and_an_empty_list_says_what_to_do(
    seen: Seen, world: World
) -> None:
    await seen.opens("/")
    await signs_in(seen, world, "Siti Rohani")
    await seen.presses("English")
    assert await seen.page.evaluate("document.documentElement.lang") == "en"
    await seen.presses("Training", role="link")
    await seen.says("Apply below where a training is open")
    await seen.is_for_everybody("training-empty")
    await seen.presses("Inbox", role="link")
    await seen.presses("Mark all as read")
    await seen.says("Everything is read")
    await seen.page.get_by_label("Only unread ones").check()
    await seen.says("Nothing is unread")
    await seen.is_for_everybody("inbox-empty")


async def test_signing_out_without_a_signal_leaves_nothing_and_ends_the_session_when_there_is_one(
    seen: Seen, world: World
) -> None:
    await seen.opens("/")
    await signs_in(seen, world, "Marlina Sari")
    await seen.page.get_by_role("article").first.wait_for()
    await seen.context.set_offline(True)
    await seen.presses("Keluar")
    await seen.says("Begitu ada sinyal")
    await expect(seen.page.get_by_role("article")).to_have_count(0)
    assert await seen.page.evaluate("Object.keys(localStorage)") == ["serumpun.to-be-ended"]
    assert len(await seen.context.cookies()) == 1  # no script can take it away
    await seen.context.set_offline(False)

    async def is_gone() -> bool:
        return await seen.context.cookies() == []

    await wait_until(is_gone, description="the session to be ended")


async def test_a_session_that_is_over_leads_to_a_new_code_and_back(seen: Seen, world: World) -> None:
    await seen.opens("/")
    await signs_in(seen, world, "Marlina Sari")
    await seen.presses("Pengaturan", role="link")
    await seen.says("Berhenti menerima pesan")
    await seen.context.clear_cookies()
    await seen.presses("Simpan")
    await seen.says("Sesi Anda sudah habis.")
    wrong = f"{(int(await asks_for_a_code(seen, world, 'Marlina Sari')) + 1) % 1_000_000:06}"
    await seen.page.get_by_label("Kode 6 angka").fill(wrong)
    await seen.presses("Masuk")
    await seen.says("Kode salah, sudah dipakai, atau kedaluwarsa.")
    await seen.is_for_everybody("kode-salah")


async def test_what_changed_while_there_was_no_signal_is_there_afterwards(seen: Seen, world: World) -> None:
    await seen.opens("/")
    await signs_in(seen, world, "Siti Rohani")
    await seen.page.get_by_role("article").first.wait_for()
    await seen.context.set_offline(True)
    owner = world.owner("Siti Rohani")
    newest = (await owner.sees("/notifications/inbox", limit=1))["items"][0]
    await owner.asks("/notifications/inbox/read", {"until": newest["created_at"]})
    await seen.context.set_offline(False)
    await seen.says("Semua sudah dibaca")
    await expect(seen.page.get_by_text("Belum dibaca", exact=True)).to_have_count(0)
