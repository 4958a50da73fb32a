"""Keys for personal data are rotated while people are registered, found and looked at; nobody is lost or doubled."""

import asyncio
from typing import Any

import httpx

from services.commands.terminal import Steps
from services.operations import key_rotation
from services.operations.installation import opened
from services.registration.people import rotation
from shared.keys import KeyStore
from tests.operations.conftest import Installation
from tests.waiting import wait_until

WHY = ("--reason", "Setahun sekali")
FORMS = "SELECT DISTINCT encode(substring(wrapped FROM 1 FOR 1), 'hex') AS form FROM person_key ORDER BY 1"


def person(no: int, **more: object) -> dict[str, object]:
    owner = {"name": f"Rotasi {no}", "nik": f"19718823078{51_000 + no}"}
    return {"name": f"Usaha {no}", "sector": "garment", "region": "19.71", "owner": owner, **more}


async def register(client: httpx.AsyncClient, no: int, **more: object) -> dict[str, Any]:
    answer = await client.post("/registration/businesses", json=person(no, **more))
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def forms(there: Installation) -> list[str]:
    return [row["form"] for row in await there.rows("registration", FORMS)]


async def test_keys_are_rotated_under_load_and_everybody_is_found_under_all_of_them(there: Installation) -> None:
    keys = KeyStore(there.settings.home).personal
    try:
        async with there.running() as client:
            known = [await register(client, no, annual_sales_rupiah=1_000_000 + no) for no in range(20)]
            for business in known[:5]:
                path = f"/registration/owners/{business['owner_id']}/kk"
                assert (await client.post(path, json={"kk": "1971870108125001"})).is_success
            sent = await client.post(
                "/registration/imports", content=b"Nama usaha;Sektor;Wilayah\r\nSalah;garment;99.99",
                headers={"Content-Type": "text/csv"},
            )  # fmt: skip
            assert sent.status_code == 202, sent.text
            assert (await there.command("keys", "new", "--yes")).code == 0
            assert len(keys()) == 2

            # Under the new key, who was registered under the old one is found, and nobody becomes two.
            again = await register(client, 3, name="Cabang")
            assert again["owner_id"] == known[3]["owner_id"]
            planned = (await there.command("keys", "rotate", *WHY, "--dry-run", "--json")).read(dict[str, Any])
            assert (planned["done"], planned["keys"] >= 20) == (False, True)
            assert planned["indexes"]["owner_kk.kk_index"] == 5
            refused = await there.command("keys", "retire", "--yes")
            assert (refused.code, "serumpun keys rotate" in refused.line) == (1, True)

            async def work(start: int) -> None:
                for no in range(start, start + 10):
                    business = await register(client, no)
                    asked = {"field": "nik", "reason": "Pemeriksaan"}
                    path = f"/registration/owners/{business['owner_id']}/reveal"
                    shown = await client.post(path, json=asked)
                    assert shown.json()["number"] == f"19718823078{51_000 + no}", shown.text

            rotated, *_ = await asyncio.gather(
                there.command("keys", "rotate", *WHY, "--yes", "--json"), work(100), work(100), work(15), work(200)
            )
            assert rotated.code == 0, rotated
            assert await forms(there) == ["02"]
            left = (await there.command("keys", "rotate", *WHY, "--dry-run", "--json")).read(dict[str, Any])
            assert (left["keys"], set(left["indexes"].values())) == (0, {0})
            owners = await there.rows("registration", "SELECT count(*) AS many FROM owner WHERE name LIKE 'Rotasi %'")
            assert owners[0]["many"] == 45  # 20 to begin with, 10 and 10 new ones, and 5 of the ten from 15 on

            assert (await there.command("keys", "retire", "--yes")).code == 0
            assert len(keys()) == 1
            assert (await register(client, 7, name="Cabang"))["owner_id"] == known[7]["owner_id"]
            sharing = (await client.get(f"/registration/owners/{known[0]['owner_id']}/kk")).json()["items"][0]
            assert len(sharing["same_card"]) == 4
            file = f"/registration/imports/{sent.json()['id']}/file"
            answer = await wait_until(lambda: _ready(client, file), description="the file to be looked through")
            assert b"Salah" in answer.content
            wrong = await client.post("/registration/businesses", json=person(9) | {"owner": {**_of(9), "name": "X"}})
            assert wrong.json()["code"] == "nik_belongs_to_another"
        acts = await there.rows("registration", "SELECT act, reason FROM person_act")
        assert [tuple(act) for act in acts] == [("rotate", WHY[1])]
    finally:
        keys.path.unlink(missing_ok=True)


async def _ready(client: httpx.AsyncClient, file: str) -> httpx.Response | None:
    answer = await client.get(file)
    assert answer.status_code < 500, answer.text
    return answer if answer.is_success else None


def _of(no: int) -> dict[str, object]:
    owner = person(no)["owner"]
    assert isinstance(owner, dict)
    return owner


async def test_a_rotation_that_was_broken_off_is_begun_again_and_ends(there: Installation) -> None:
    keys = KeyStore(there.settings.home).personal
    try:
        async with opened(there.settings, ["registration"]) as opened_:
            key_rotation.renew(opened_, really=True)
            vault = key_rotation._keys(opened_)[1]
            async with opened_.reading("registration") as session:
                before = await rotation.left(session, vault)
            async with opened_.writing("registration") as session:
                assert await rotation.rewrap(session, vault, rows=3) == 3
            assert await forms(there) == ["01", "02"]
            done = await key_rotation.rotate(opened_, Steps(), opened_.operator("operator", WHY[1]))
            assert done.keys == before - 3 > 0
            again = await key_rotation.rotate(opened_, Steps(), opened_.operator("operator", WHY[1]))
            assert (again.keys, set(again.indexes.values())) == (0, {0})
        assert await forms(there) == ["02"]
    finally:
        keys.path.unlink(missing_ok=True)
