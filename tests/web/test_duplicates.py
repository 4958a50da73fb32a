"""Two records that may be one business: seen side by side with the score explained, decided, merged, and undone."""

from uuid import uuid4

from playwright.async_api import expect

from tests.journey.people import Office, World
from tests.web.people import signs_in_at_office
from tests.web.seen import Seen

REGION = "19.02"


async def a_pair(office: Office, name: str, phone: str) -> str:
    """Register a business as two clerks would, and give the id of the case that this opens."""
    await office.registers(name, {"name": "Rukiah Anwar", "phone": phone})
    twin = await office.registers(f"UD {name}", {"name": "Rukiah Anwar", "phone": phone})
    found = await office.sees("/registration/duplicates", business=twin["id"])
    return str(found["items"][0]["id"])


async def test_a_pair_is_compared_merged_and_made_two_again(seen: Seen, world: World) -> None:
    office = world.office(REGION)
    case = await a_pair(office, "Bordir Bahari Rukiah", "0834-0000-1701")
    await seen.opens("/ringkasan")
    await signs_in_at_office(seen, office, lands_on="Ringkasan")
    await seen.presses("Data ganda", role="link")
    await seen.presses("Bordir Bahari Rukiah / UD Bordir Bahari Rukiah", role="link")

    # Side by side, what differs is said in words; the score is explained by its points.
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text("Bandingkan dua usaha")
    sides = seen.page.get_by_role("group", name="Kedua usaha berdampingan")
    await expect(sides.get_by_role("row").filter(has_text="Nama (berbeda)")).to_contain_text("UD Bordir Bahari Rukiah")
    await expect(sides.get_by_role("row").filter(has_text="Sektor")).not_to_contain_text("berbeda")
    points = seen.page.get_by_role("group", name="Mengapa nilainya 100").get_by_role("row")
    await expect(points.filter(has_text="Telepon sama")).to_contain_text("20")
    await seen.is_for_everybody("ganda-berdampingan")

    # Without a reason nothing is decided; with one the other name is taken over, and back it goes.
    await seen.presses("Gabungkan")
    await seen.presses("Ya, gabungkan")
    await seen.says("Tulis alasannya")
    assert (await office.sees(f"/registration/duplicates/{case}"))["state"] == "open"
    first = (await office.sees(f"/registration/duplicates/{case}"))["businesses"][0]
    kept = seen.page.get_by_label("Usaha yang tinggal")
    await kept.select_option(first["business_id"])
    await seen.page.get_by_label("Nama: ").check()
    await seen.page.get_by_label("Alasan (dicatat)").fill("Satu tempat, satu pemilik; dikunjungi.")
    await seen.is_for_everybody("ganda-gabungkan")
    await seen.presses("Ya, gabungkan")
    await seen.says("Sudah digabung.")
    merged = await office.sees(f"/registration/duplicates/{case}")
    assert merged["state"] == "merged"
    assert merged["reason"] == "Satu tempat, satu pemilik; dikunjungi."
    survivor = await office.sees(f"/registration/businesses/{first['business_id']}")
    assert survivor["name"] != first["name"]
    await seen.presses("English")
    await seen.presses("Undo the merge")
    await seen.page.get_by_label("Reason (kept on record)").fill("Two shops after all.")
    await seen.presses("Yes, undo the merge")
    await seen.says("The merge is undone.")
    after = await office.sees(f"/registration/businesses/{first['business_id']}")
    assert after["name"] == first["name"]
    await seen.page.go_back()
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text("Duplicates")


async def test_a_pair_that_somebody_else_has_decided_is_not_decided_again(seen: Seen, world: World) -> None:
    office = world.office(REGION)
    case = await a_pair(office, "Sulam Cempaka Tanjung", "0834-0000-1702")
    await seen.opens(f"/ganda?kasus={case}")
    await signs_in_at_office(seen, office, lands_on="Bandingkan dua usaha")
    await expect(seen.page.get_by_role("button", name="Satu usaha yang sama", exact=True)).to_be_visible()
    await office.asks(f"/registration/duplicates/{case}/decision", {"decision": "same", "reason": "Ditelepon."})
    await seen.presses("Satu usaha yang sama")
    await seen.page.get_by_label("Alasan (dicatat)").fill("Dikunjungi.")
    await seen.presses("Ya, satu usaha yang sama")
    await seen.says("Pasangan ini sudah diputuskan")
    await seen.presses("Muat ulang")
    await seen.says("Ditelepon.")
    await expect(seen.page.get_by_role("button", name="Satu usaha yang sama", exact=True)).to_have_count(0)
    await seen.presses("Dua usaha berbeda")
    await seen.page.get_by_label("Alasan (dicatat)").fill("Ternyata dua alamat.")
    await seen.presses("Ya, dua usaha berbeda")
    await seen.says("Dicatat: dua usaha berbeda.")
    assert (await office.sees(f"/registration/duplicates/{case}"))["state"] == "different"


async def test_another_regions_pair_is_not_there_and_an_empty_list_says_what_to_do(seen: Seen, world: World) -> None:
    await seen.opens("/ganda")
    await signs_in_at_office(seen, world.office("19.06"), lands_on="Data ganda")
    await seen.page.get_by_label("Keadaan").select_option("undone")
    await seen.says("Tidak ada pasangan di sini")
    await seen.is_for_everybody("ganda-kosong")
    await seen.opens(f"/ganda?kasus={uuid4()}")
    await seen.says("Tidak ada, atau bukan di wilayah Anda.")
    seen.complaints.clear()  # the answer that there is no such pair
