"""Orders about businesses, their owners, duplicates and imports."""

from dataclasses import replace
from uuid import uuid4

from tests.faults.orders.giving import HER_OWNER, REGION, TAILOR, Json, Office, Order, moment, numbers, post


async def register_business(_office: Office) -> Order:
    number = next(numbers)
    owner = {"name": f"Pemilik {number}", "email": f"pemilik-{number}@contoh.example"}
    return post(
        "registration", "/registration/businesses",
        name=f"Usaha {number}", sector="garment", region=REGION, owner=owner,
    )  # fmt: skip


async def register_another(_office: Office) -> Order:
    """Register a business of an owner who is known everywhere, so that nothing has to wait for another event."""
    return post(
        "registration", "/registration/businesses",
        name=f"Cabang {next(numbers)}", sector="garment", region=REGION, owner_id=HER_OWNER,
    )  # fmt: skip


async def change_business(office: Office) -> Order:
    return await _change(office, {"name": f"Konveksi {next(numbers)}"})


async def change_owner(office: Office) -> Order:
    return await _change(office, {"owner": {"name": f"Hartini {next(numbers)}"}})


async def _change(office: Office, news: Json) -> Order:
    path = f"/registration/businesses/{TAILOR}"
    business = await office.asked("registration", path)
    return Order("registration", "PATCH", path, news, {"If-Match": f'"{business["version"]}"'})


async def close_business(office: Office) -> Order:
    business = await office.done(await register_another(office))
    return post("registration", f"/registration/businesses/{business['id']}/closure", reason="Tidak ada pesanan")


async def _pair(office: Office) -> Json:
    """Register two businesses that may be one, and give their case."""
    twin = post(
        "registration", "/registration/businesses",
        name=f"Bordir Melati {next(numbers)}", sector="garment", region=REGION, owner_id=HER_OWNER,
    )  # fmt: skip
    await office.done(twin)
    business = await office.done(replace(twin, key=str(uuid4())))
    found = await office.asked("registration", f"/registration/duplicates?business={business['id']}")
    (case,) = found["items"]
    return dict(case)


async def scan_duplicates(office: Office) -> Order:
    sides = (await _pair(office))["businesses"]
    return post("registration", "/registration/duplicates/scan", businesses=[one["business_id"] for one in sides])


async def decide_duplicate(office: Office) -> Order:
    case = await _pair(office)
    path = f"/registration/duplicates/{case['id']}/decision"
    return post("registration", path, decision="different", reason="Dua saudara")


async def merge_businesses(office: Office) -> Order:
    case = await _pair(office)
    survivor = case["businesses"][0]["business_id"]
    path = f"/registration/duplicates/{case['id']}/merge"
    return post("registration", path, survivor=survivor, take=["workers"], reason="Usaha yang sama")


async def undo_merge(office: Office) -> Order:
    merging = await merge_businesses(office)
    await office.done(merging)
    return post("registration", merging.path.replace("/merge", "/undoing"), reason="Ternyata dua usaha")


async def search_businesses(_office: Office) -> Order:
    return post("registration", "/registration/businesses/search", q="konveksi")


async def record_consent(office: Office) -> Order:
    owner_id = (await office.done(await register_business(office)))["owner_id"]
    return post(
        "registration", f"/registration/owners/{owner_id}/consents",
        kind="contact_by_phone", given=True, how="signature", happened_at=moment(), proof="Map 1",
        text={"id": "contact-by-phone", "version": 1},
    )  # fmt: skip


async def withdraw_consent(office: Office) -> Order:
    giving = await record_consent(office)
    await office.done(giving)
    return post("registration", giving.path, kind="contact_by_phone", given=False, how="spoken", happened_at=moment())


async def give_consent(office: Office) -> Order:
    owner_id = (await office.done(await register_business(office)))["owner_id"]
    giving = post(
        "registration", "/registration/my/consents",
        kind="publish_story", given=True, text={"id": "publish-story", "version": 1},
    )  # fmt: skip
    return replace(giving, owner=owner_id)


async def reveal(office: Office) -> Order:
    business = await office.done(await register_known(office))
    path = f"/registration/owners/{business['owner_id']}/reveal"
    return post("registration", path, field="nik", reason="Pembayaran")


async def change_kk(office: Office) -> Order:
    business = await office.done(await register_known(office))
    return post("registration", f"/registration/owners/{business['owner_id']}/kk", kk="1971010109200001")


async def restrict_person(office: Office) -> Order:
    business = await office.done(await register_known(office))
    await office.rests()  # or the welcome would be withheld, or not
    path = f"/registration/owners/{business['owner_id']}/restriction"
    return post("registration", path, reason="Diminta dengan surat")


async def release_person(office: Office) -> Order:
    restriction = await restrict_person(office)
    await office.done(restriction)
    await office.rests()
    path = restriction.path.replace("/restriction", "/release")
    return post("registration", path, reason="Diminta dengan surat")


async def erase_person(office: Office) -> Order:
    business = await office.done(await register_known(office))
    await office.rests()
    path = f"/registration/owners/{business['owner_id']}/erasure"
    return post("registration", path, reason="Diminta dengan surat")


async def register_known(_office: Office) -> Order:
    """Register a business of a new owner who has told their NIK."""
    number = next(numbers)
    owner = {"name": f"Pemilik {number}", "nik": f"197101520378{number % 9999 + 1:04}"}
    return post(
        "registration", "/registration/businesses",
        name=f"Usaha {number}", sector="garment", region=REGION, owner=owner,
    )  # fmt: skip


async def close_refused_registration(office: Office) -> Order:
    known = await register_known(office)
    await office.done(known)
    another = {**known.body, "owner": known.body["owner"] | {"name": "Wahyu"}}
    await office.is_refused(replace(known, body=another, key=str(uuid4())))
    found = await office.asked("registration", "/registration/refused-registrations?state=open&limit=1")
    path = f"/registration/refused-registrations/{found['items'][0]['id']}/closing"
    return post("registration", path, reason="Salah baca KTP")


def a_file(*lines: str) -> Order:
    content = "\r\n".join(lines).encode()
    return Order("registration", "POST", "/registration/imports", headers={"Content-Type": "text/csv"}, content=content)


async def upload_businesses(office: Office) -> Order:
    """Send a file in which nothing is new."""
    name = (await office.asked("registration", f"/registration/businesses/{TAILOR}"))["name"]
    return a_file("ID;Nama usaha", f"{TAILOR};{name}")


async def start_import(office: Office) -> Order:
    return await _start(office, await upload_businesses(office))


REFUSED_ROWS = 499


async def import_new_businesses(office: Office) -> Order:
    """Let a file be carried out of which the first batch and the second hold one new business each."""
    first = next(numbers)
    begin, end = (f"Warung {first}-{place};{first}/{place};food;{REGION};Pemilik {first}" for place in (1, 2))
    refused = (f"Warung {first}-x{number};;food;99.99;Ali" for number in range(REFUSED_ROWS))
    return await _start(office, a_file("Nama usaha;No dokumen;Sektor;Wilayah;Pemilik", begin, *refused, end))


async def _start(office: Office, file: Order) -> Order:
    sent = await office.done(file)
    await office.settles()
    return post("registration", f"/registration/imports/{sent['id']}/start", mode="good_rows")


async def cancel_import(office: Office) -> Order:
    sent = await office.done(await upload_businesses(office))
    await office.settles()
    return post("registration", f"/registration/imports/{sent['id']}/cancellation", reason="Berkas salah")
