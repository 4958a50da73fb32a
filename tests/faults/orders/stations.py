"""Orders about handwashing stations."""

from tests.faults.orders.giving import SITE, SOAP, STATION, WAREHOUSE, Office, Order, moment, numbers, post


async def place_station(office: Office) -> Order:
    code = await stationed(office)
    return post(
        "aid_distribution", "/aid/stations",
        code=code, name="Pintu timur", site=SITE, crowd_level="high", from_place=WAREHOUSE, occurred_at=moment(),
        capacity_water_millilitre=100_000, capacity_soap_millilitre=1_000,
    )  # fmt: skip


async def stationed(office: Office) -> str:
    """See that there is a station in stock; gives a code that no station bears yet."""
    goods = [{"item": item, "quantity": 1} for item in (STATION, SOAP)]
    received = post(
        "aid_distribution", "/aid/receipts",
        place=WAREHOUSE, source="supplier", occurred_at=moment(), lines=goods,
    )  # fmt: skip
    await office.done(received)
    return f"CT-{next(numbers)}"


async def visit_station(office: Office, state: str = "broken") -> Order:
    """Visit a station that was just put up, and find it out of use."""
    station = await office.done(await place_station(office))
    water = 0 if state == "dry" else 100
    refill = {"from_place": WAREHOUSE, "lines": [{"item": SOAP, "quantity": 1}]} if state == "broken" else {}
    return post(
        "aid_distribution", f"/aid/stations/{station['id']}/visits",
        occurred_at=moment(), state=state, water_before_millilitre=water, soap_before_millilitre=10, refill=refill,
    )  # fmt: skip


async def find_station_dry(office: Office) -> Order:
    return await visit_station(office, "dry")


async def remove_station(office: Office) -> Order:
    station = await office.done(await place_station(office))
    return post(
        "aid_distribution", f"/aid/stations/{station['id']}/removal",
        occurred_at=moment(), outcome="returned", to_place=WAREHOUSE,
    )  # fmt: skip


async def report_station(office: Office) -> Order:
    """Report a station as a member of staff, who is believed at once."""
    station = await office.done(await place_station(office))
    code = await office.asked("aid_distribution", f"/aid/stations/{station['id']}/code")
    return post("aid_distribution", f"/aid/station-reports/{code['code']}", problem="dry")
