"""So many businesses that a message to their owners needs a second person, registered by a file."""

import httpx

from tests.journey.people import Office, World
from tests.registration.imports import csv_of
from tests.waiting import wait_until

SECONDS_MAX = 120


async def registers_many(world: World, office: Office, count: int, sector: str) -> None:
    """Import so many businesses of a sector in the region of an office, each with an owner who has a telephone."""
    rows = [
        {
            "Nama usaha": f"Usaha {sector} {number}",
            "Sektor": sector,
            "Wilayah": office.region,
            "Nama pemilik": f"Pemilik Ke {number}",
            "No HP": f"08349{number:07d}",  # nobody of the demo province has such a number
        }
        for number in range(1, count + 1)
    ]
    headers = {"Authorization": f"Bearer {office.token}", "Content-Type": "text/csv"}
    async with httpx.AsyncClient(headers=headers, timeout=30) as http:
        sent = await http.post(world.address("/registration/imports"), params={"name": "b.csv"}, content=csv_of(rows))
    path = f"/registration/imports/{sent.raise_for_status().json()['id']}"

    async def reached(state: str) -> bool:
        found = await office.sees(path)
        assert found["state"] != "failed", found
        assert found["refused"] == 0, found
        return bool(found["state"] == state)

    await wait_until(lambda: reached("previewed"), SECONDS_MAX, "the file to be looked through")
    await office.asks(f"{path}/start", {"mode": "all_or_nothing"})
    await wait_until(lambda: reached("done"), SECONDS_MAX, "the businesses to be registered")
