"""September 2020 in the Bangka Belitung Islands: masks are handed out, and everybody concerned hears of it.

Start reading here. Each test is told twice: once everything runs in one process, as `make up` does, and once in three.
Nothing is faked but the people.
"""

import re
from uuid import uuid4

import pytest

from tests.journey.people import MASKS, Refused, World
from tests.waiting import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_the_stock_falls_by_what_was_handed_out_and_the_card_shows_it(world: World) -> None:
    pangkalpinang = world.office("19.71")
    before = await pangkalpinang.stock(MASKS)

    handed_out = await pangkalpinang.hands_out(500, public=480, to=(world.business("Konveksi Hartini"),))

    assert await pangkalpinang.stock(MASKS) == before - 500
    assert await pangkalpinang.last_on_card(MASKS) == (-500, before - 500, handed_out.receipt)


async def test_receipts_are_numbered_one_after_the_other_in_their_office_and_month(world: World) -> None:
    pangkalpinang = world.office("19.71")

    first, second = [await pangkalpinang.hands_out(10, public=10) for _ in range(2)]

    series = [re.fullmatch(r"(\d{4}-\d{2}-19\.71-DO)-(\d{4,})", receipt) for receipt in (first.receipt, second.receipt)]
    assert series[0]
    assert series[1]
    assert series[1][1] == series[0][1]
    assert int(series[1][2]) == int(series[0][2]) + 1


async def test_the_owner_the_officer_and_the_province_are_told_in_indonesian_in_the_inbox_and_by_mail(
    world: World,
) -> None:
    pangkalpinang, province, hartini = world.office("19.71"), world.office("19"), world.owner("Hartini Suryadi")

    handed_out = await pangkalpinang.hands_out(250, public=230, to=(world.business("Konveksi Hartini"),))

    told = await hartini.hears_of(handed_out.fact, "aid")
    assert told.title == "Bantuan untuk usaha Anda"
    assert told.body.startswith("Konveksi Hartini tercatat menerima bantuan masker gratis. Isi penyaluran: 250 buah")
    assert handed_out.receipt in told.body
    for office in (pangkalpinang, province):
        noted = await office.hears_of(handed_out.fact, "aid_office")
        assert "untuk 230 orang umum dan 1 usaha" in noted.body
        assert f"Dicatat oleh {pangkalpinang.name} (19.71)" in noted.body
        assert noted.language == "id"
    for person in (hartini, pangkalpinang, province):
        letter = await person.gets_mail(handed_out.receipt)
        assert "masker gratis" in letter.get_content()


async def test_an_owner_who_reads_english_is_told_in_english(world: World) -> None:
    mei_lan = world.owner("Tjhin Mei Lan")

    handed_out = await world.office("19.71").hands_out(40, to=(world.business("Mei Lan Garmen"),))

    assert (await mei_lan.hears_of(handed_out.fact, "aid")).title == "Aid for your business"


async def test_posting_again_with_the_same_key_changes_nothing_and_gives_the_same_bytes(world: World) -> None:
    pangkalpinang, hartini = world.office("19.71"), world.owner("Hartini Suryadi")
    phone_key, business = str(uuid4()), world.business("Konveksi Hartini")
    first = await pangkalpinang.hands_out(30, to=(business,), key=phone_key)
    await hartini.hears_of(first.fact, "aid")
    after = await pangkalpinang.stock(MASKS), await pangkalpinang.receipts()

    again = await pangkalpinang.hands_out(30, to=(business,), key=phone_key)

    assert again.bytes == first.bytes
    assert (first.was_known_already, again.was_known_already) == (False, True)
    assert (await pangkalpinang.stock(MASKS), await pangkalpinang.receipts()) == after
    await hartini.hears_of(first.fact, "aid")  # and no second time
    with pytest.raises(Refused, match="422 idempotency_key_reused"):
        await pangkalpinang.hands_out(31, to=(business,), key=phone_key)


async def test_a_distribution_that_is_taken_back_gives_the_stock_back_and_everybody_is_told(world: World) -> None:
    pangkalpinang, province, hartini = world.office("19.71"), world.office("19"), world.owner("Hartini Suryadi")
    before = await pangkalpinang.stock(MASKS)
    handed_out = await pangkalpinang.hands_out(75, public=60, to=(world.business("Konveksi Hartini"),))
    await hartini.hears_of(handed_out.fact, "aid")

    taken_back = await pangkalpinang.takes_back(handed_out, "salah tempat")

    assert taken_back.state == "voided"
    assert await pangkalpinang.stock(MASKS) == before
    assert (await pangkalpinang.last_on_card(MASKS))[:2] == (75, before)
    assert "Alasan: salah tempat" in (await hartini.hears_of(handed_out.fact, "void")).body
    for office in (pangkalpinang, province):
        assert "stok kembali" in (await office.hears_of(handed_out.fact, "void_office")).body
    for person in (hartini, pangkalpinang, province):
        await person.gets_mail(f"{handed_out.receipt} (75 buah Masker kain dua lapis; ")
    with pytest.raises(Refused, match="409 already_voided"):
        await pangkalpinang.takes_back(handed_out, "salah tempat")


async def test_a_business_registered_now_can_receive_within_seconds(world: World) -> None:
    pangkalpinang = world.office("19.71")
    melati = {
        "name": "Melati Puspita",
        "nik": "1971045708919977",
        "phone": "0834-0000-0977",
        "email": "melati.puspita@contoh.example",
    }

    registered = await pangkalpinang.registers("Masker Melati", melati)

    owner = world.newcomer(registered["owner_id"], melati["name"], melati["email"])
    assert await owner.businesses() == ["Masker Melati"]
    assert "Masker Melati" in (await owner.hears_of(f"business/{registered['id']}", "welcome")).body
    handed_out = await pangkalpinang.hands_out_once_known(20, registered["id"])
    assert "Masker Melati" in (await owner.hears_of(handed_out.fact, "aid")).body
    received = await pangkalpinang.sees(f"/registration/businesses/{registered['id']}/support")
    assert [support["number"] for support in received["items"]] == [handed_out.receipt]


async def test_the_province_sends_masks_to_a_regency_which_counts_them_on_arrival(world: World) -> None:
    province, belitung = world.office("19"), world.office("19.02")
    there, here = await province.stock(MASKS), await belitung.stock(MASKS)

    transfer = await province.sends(200, to=belitung)
    assert (await province.stock(MASKS), await belitung.stock(MASKS)) == (there - 200, here)
    coming = await belitung.hears_of(f"transfer/{transfer['id']}", "goods_coming")
    assert "200 buah Masker kain dua lapis dikirim dari WH-PROV ke WH-19.02" in coming.body

    with pytest.raises(Refused, match="409 does_not_add_up"):
        await belitung.takes_in(transfer, accepted=200, damaged=20)
    await belitung.takes_in(transfer, accepted=180, damaged=20)

    assert (await province.stock(MASKS), await belitung.stock(MASKS)) == (there - 200, here + 180)
    arrived = await province.hears_of(f"transfer/{transfer['id']}", "goods_arrived")
    assert "Diterima: 180 buah Masker kain dua lapis. Ditolak: 20 buah" in arrived.body


async def test_another_region_sees_nothing_of_it(world: World) -> None:
    pangkalpinang, belitung = world.office("19.71"), world.office("19.02")
    business = world.business("Konveksi Hartini")
    handed_out = await pangkalpinang.hands_out(15, to=(business,))
    await pangkalpinang.hears_of(handed_out.fact, "aid_office")

    for path in (
        f"/aid/distributions/{handed_out.id}",
        f"/aid/cards/{pangkalpinang.warehouse}/{MASKS}",
        f"/registration/businesses/{business}",
        f"/registration/businesses/{business}/support",
    ):
        with pytest.raises(Refused, match="404 not_found"):
            await belitung.sees(path)
    with pytest.raises(Refused, match="404 not_found"):
        await belitung.takes_back(handed_out, "bukan urusan kami")
    for path, query in (
        ("/aid/balances", {"place": pangkalpinang.warehouse}),
        ("/aid/distributions", {"place": pangkalpinang.warehouse}),
        ("/aid/distributions", {"region": "19.71"}),
        ("/registration/businesses", {"region": "19.71"}),
    ):
        assert (await belitung.sees(path, **query))["items"] == []
    with pytest.raises(Refused) as refused:
        await belitung.hands_out(15, public=15, warehouse=pangkalpinang.warehouse)
    assert refused.value.errors == {"unknown_place"}
    with pytest.raises(Refused) as refused:
        await belitung.hands_out(15, to=(business,))
    assert refused.value.errors == {"unknown_business"}
    assert await belitung.messages_about(handed_out.fact, "aid_office") == []


async def test_one_trace_leads_from_the_request_to_the_message_and_stands_in_every_line_of_the_log(
    world: World,
) -> None:
    pangkalpinang, hartini = world.office("19.71"), world.owner("Hartini Suryadi")

    handed_out = await pangkalpinang.hands_out(
        5, to=(world.business("Konveksi Hartini"),), trace=f"00-{TRACE}-b7ad6b7169203331-01"
    )

    assert (await hartini.hears_of(handed_out.fact, "aid")).trace_id == TRACE
    (request,) = await wait_until(lambda: world.log(event="request", trace_id=TRACE), description="the request's line")
    assert (request["status"], request["actor"], request["region"]) == (201, "officer-19.71", "19.71")
    assert request["request_id"]
    for service in ("registration", "notifications"):
        line = {"event": "event", "service": service, "subject": handed_out.fact, "trace_id": TRACE}
        (handled,) = await wait_until(lambda line=line: world.log(**line), description=f"a line of {service}")
        assert (handled["outcome"], handled["actor"], handled["region"]) == ("handled", "officer-19.71", "19.71")


async def test_no_number_that_names_a_person_is_ever_written_to_the_log(world: World) -> None:
    nur = {"name": "Nur Aini", "nik": "1971045708929988", "phone": "0834-0000-0988", "email": "nur.aini@contoh.example"}
    registered = await world.office("19.71").registers("Jahit Nur Aini", nur)
    owner = world.newcomer(registered["owner_id"], nur["name"], nur["email"])
    await owner.gets_mail("Jahit Nur Aini")

    log = world.whole_log()

    assert registered["id"] in log
    for secret in (nur["nik"], "83400000988", "834-0000-0988", nur["email"]):
        assert secret not in log
