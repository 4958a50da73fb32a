"""The condition of the system at a desk: what the services say of themselves, and only to who runs or plans."""

from pathlib import Path

import asyncpg
from playwright.async_api import Route, expect

from shared.embedded import find_running
from tests.faults import oracle
from tests.journey.people import World
from tests.waiting import wait_until
from tests.web.people import signs_in_at_office
from tests.web.seen import Seen

SERVICES = ("registration", "aid_distribution", "notifications")
UNREADABLE = """
    INSERT INTO parked (source, partition, seq, type, subject, actor, region, traceparent, data, reason, attempts,
                        due_at, error, parked_at)
    VALUES ('registration', 0, 4000000000, '', 'unreadable/4000000000', '', '', '', '', 'poison', 3,
            now() + interval '1 hour', 'Unreadable: no event', now())
"""
"""An event with a number that nothing has yet, and whose next turn is later than any test."""


async def test_readiness_and_progress_are_shown_as_the_services_tell_them(seen: Seen, world: World) -> None:
    province = world.office("19")
    await seen.opens("/ringkasan")
    await signs_in_at_office(seen, province, lands_on="Ringkasan")
    await seen.presses("Keadaan sistem", role="link")
    await seen.says("Semua layanan siap")
    rows = seen.page.get_by_role("group", name="Kesiapan per layanan").get_by_role("row")
    for service in SERVICES:
        await expect(rows.filter(has=seen.page.get_by_role("rowheader", name=service))).to_contain_text("database: ok")
    lanes = seen.page.get_by_role("group", name="Kemajuan per sumber").get_by_role("rowheader")
    told = await seen.page.evaluate("fetch('/readyz').then(answer => answer.json())")
    await expect(lanes).to_have_count(sum(len(one["lanes"]) for one in told["services"]))
    assert sum(sum(one["parked"].values()) for one in told["services"]) == 0
    await seen.says("Tidak ada yang diparkir")
    await seen.says("serumpun parked replay")
    await seen.is_for_everybody("sistem")
    await seen.presses("English")
    await seen.says("All services are ready")
    await seen.is_for_everybody("system")


async def test_what_is_parked_is_listed_with_its_reason(seen: Seen, world: World, home: Path) -> None:
    running = find_running(home)
    assert running is not None
    store = await asyncpg.connect(oracle.address(running.database_url, "serumpun_notifications"), timeout=10)
    try:
        await store.execute(UNREADABLE)
        await seen.opens("/ringkasan")
        await signs_in_at_office(seen, world.office("19"), lands_on="Ringkasan")
        await seen.presses("Keadaan sistem", role="link")
        rows = seen.page.get_by_role("group", name="Peristiwa yang diparkir").get_by_role("row")
        row = rows.filter(has=seen.page.get_by_role("rowheader", name="notifications ← registration/0/4000000000"))
        await expect(row).to_contain_text("(tidak terbaca)")
        await expect(row).to_contain_text("gagal diproses")
        await expect(row).to_contain_text("Unreadable: no event")
        await seen.is_for_everybody("sistem-parkir")
    finally:
        await store.execute("DELETE FROM parked WHERE seq = 4000000000")
        await store.close()


async def test_trouble_that_lasts_is_told_once(seen: Seen, world: World) -> None:
    page, refused = seen.page, 0

    async def away(route: Route) -> None:
        nonlocal refused
        await route.abort("internetdisconnected")
        refused += 1

    await page.clock.install()
    await seen.opens("/sistem")
    await signs_in_at_office(seen, world.office("19"), lands_on="Keadaan sistem")
    await seen.says("Semua layanan siap")
    await page.route("**/readyz", away)
    await page.clock.run_for(10_000)
    await page.get_by_role("alert").evaluate("one => one.dataset.first = 'yes'")
    for turn in range(2, 4):
        await page.clock.run_for(10_000)
        await wait_until(lambda least=turn: refused >= least, description=f"{turn} questions without an answer")
    await expect(page.locator("[data-first]")).to_be_visible()
    await page.unroute("**/readyz")
    await page.clock.run_for(10_000)
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_an_office_of_a_regency_is_not_led_there(seen: Seen, world: World) -> None:
    await seen.opens("/ringkasan")
    await signs_in_at_office(seen, world.office("19.06"), lands_on="Ringkasan")
    work = seen.page.get_by_role("navigation", name="Pekerjaan kantor")
    await expect(work.get_by_role("link", name="Siaran")).to_be_visible()
    await expect(work.get_by_role("link", name="Keadaan sistem")).to_have_count(0)
