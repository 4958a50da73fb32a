"""What happened out of the warehouses: stations, markets and prices, coupons of households, and a plan that shares."""

from services.operations.month.diary import Diary, Json, goods, officer, warehouse
from services.operations.month.stock import BELITUNG, CITY, MASK, OIL, PROVINCE, RICE, SOAP, SOUTH, SUGAR
from services.operations.refusals import NotPossible

PACKAGE = {RICE: (40_000, 52_000, 1), SUGAR: (10_000, 13_500, 2), OIL: (9_000, 14_500, 2)}
"""What a family pays, what it costs elsewhere, and how much of it is in a package."""
MARKET_DAYS = 10
"""How many days ago the market of packages was held."""
FAMILIES = 24
HOUSEHOLDS = 30


async def tell(diary: Diary) -> None:
    """Tell of a month at the crowd centres and the market venues, and of what is shared among the regions."""
    await _stations(diary)
    await _prices(diary)
    await _package_market(diary)
    await _other_markets(diary)
    await _households(diary)
    await _plans(diary)


async def _stations(diary: Diary) -> None:
    """Fill a station regularly; find another dry and fill it; leave a third as dry as a passer-by has said it is."""
    filled, dry, reported = await stations(diary)
    for days in (21, 14, 7):
        await _visit(diary, filled, days, "working", 40_000, 500, 150_000)
    await _visit(diary, dry, 16, "working", 30_000, 300, 60_000)
    await _visit(diary, dry, 9, "dry", 0, 0, 0)
    await diary.alarms(kind="dry_station", region=CITY)
    await _visit(diary, dry, 8, "working", 100, 10, 90_000)
    await diary.alarms(kind="dry_station", region=CITY, state="cleared")
    code = (await diary.sees(f"/aid/stations/{reported}/code"))["code"]
    await diary.posts("report of a passer-by", f"/aid/station-reports/{code}", problem="dry")
    await _visit(diary, reported, 1, "dry", 0, 200, 0)


async def stations(diary: Diary) -> list[str]:
    """Find the three stations of the month. Raises: NotPossible where one of them was removed."""
    found = {one["code"]: one["id"] for one in await diary.every("/aid/stations")}
    wanted = [row.code for row in diary.province.stations[:3]]
    if gone := [code for code in wanted if code not in found]:
        raise NotPossible(f"station {gone[0]} is not there any more, and the month tells of it")
    return [found[code] for code in wanted]


async def _visit(diary: Diary, station: str, days: int, state: str, water: int, soap: int, filled: int) -> None:
    place = warehouse(BELITUNG if filled == 0 and days == 1 else CITY)
    refill = {"water_millilitre": filled, "soap_millilitre": 400, "from_place": place, "lines": goods(SOAP, 1)}
    more: Json = {"refill": refill} if filled else {}
    await diary.posts(
        f"visit of {station}, {days}",
        f"/aid/stations/{station}/visits",
        occurred_at=diary.ago(days, 11),
        state=state,
        water_before_millilitre=water,
        soap_before_millilitre=soap,
        **more,
    )


async def _prices(diary: Diary) -> None:
    """See prices rise above their ceilings, and fall again where a market was held."""
    for no, region in enumerate(one.code for one in diary.province.regions):
        for days in (20, 13, 6, 1):
            for item, usual in ((RICE, 49_000), (SUGAR, 12_300), (OIL, 13_600)):
                eased = region == CITY and days < MARKET_DAYS
                risen = usual * (1_000 + (20 - days) * (2 + no % 3) - (60 if eased else 0)) // 1_000
                await diary.posts(
                    f"price of {item} in {region}, {days}",
                    "/aid/prices",
                    by=officer(region),
                    place=f"CC-{region}-01",
                    item=item,
                    observed_at=diary.ago(days, 8, no),
                    price_rupiah=risen // 100 * 100,
                )


async def _package_market(diary: Diary) -> None:
    """Hold a market with slots and coupons, one of them used twice; the seller claims what was sold, and is paid."""
    venue = "MV-19.71-02"
    for item, (_, market_price, each) in PACKAGE.items():
        stock = {"place": venue, "source": "supplier", "occurred_at": diary.ago(11), "document": "PASAR-MURAH"}
        lines = goods(item, 4 * FAMILIES * each)
        await diary.posts(
            f"{item} for {venue} at {market_price}", "/aid/receipts", by=officer(CITY), **stock, lines=lines
        )
    market = await diary.posts(
        "market of packages",
        "/aid/markets",
        by=officer(CITY),
        place=venue,
        model="subsidised_package",
        opens_at=diary.ago(MARKET_DAYS, 8),
        closes_at=diary.ago(MARKET_DAYS, 12),
        items=_offers(3 * FAMILIES),
        slots=[
            {"from": diary.ago(MARKET_DAYS, hour), "to": diary.ago(MARKET_DAYS, hour + 2), "capacity": 2 * FAMILIES}
            for hour in (8, 10)
        ],
        seller=str(next(one.id for one in diary.province.businesses if one.region == CITY)),
    )
    path = f"/aid/markets/{market['id']}"
    families = [{"family": f"keluarga-peragaan-{no:03}", "slot": 1 + no % 2} for no in range(FAMILIES)]
    given = await diary.posts("coupons", f"{path}/coupons", by=officer(CITY), coupons=families)
    await diary.posts("market opens", f"{path}/opening", by=officer(CITY))
    coupons = [one["token"] for one in given["coupons"]]
    for counter, shown in (("Loket 1", coupons[:12]), ("Loket 2", coupons[11:20])):  # one is shown at both
        entries = [_sale(diary, f"{counter}, {no}", coupon=coupon) for no, coupon in enumerate(shown)]
        await diary.posts(f"sales of {counter}", f"{path}/sales", by=officer(CITY), counter=counter, entries=entries)
    await diary.posts("market closes", f"{path}/closing", by=officer(CITY))
    claim = await diary.posts("claim", f"{path}/claims", by=officer(CITY))
    claimed = f"{path}/claims/{claim['id']}"
    decided = [{"item": item, "approved": True} for item in PACKAGE]
    await diary.posts("claim decided", f"{claimed}/decision", lines=decided)
    await diary.posts("claim paid", f"{claimed}/payment", paid_at=diary.now, reference="SP2D-PERAGAAN-2")


def _offers(families: int) -> list[Json]:
    return [
        {
            "item": item,
            "price_rupiah": price,
            "market_price_rupiah": elsewhere,
            "allotment": families * each,
            "limit_per_family": each,
        }
        for item, (price, elsewhere, each) in PACKAGE.items()
    ]


def _sale(diary: Diary, name: str, **to: str) -> Json:
    lines = [{"item": item, "quantity": each} for item, (_, _, each) in PACKAGE.items()]
    return {"id": str(diary.number(name)), "sold_at": diary.ago(MARKET_DAYS, 9), "lines": lines, **to}


async def _other_markets(diary: Diary) -> None:
    """Sell at the distributor's price in Toboali, call a market off in Belitung, and announce one for next week."""
    venue = "MV-19.03-01"
    stock = {"place": venue, "source": "supplier", "occurred_at": diary.ago(6)}
    for item, (_, _, each) in PACKAGE.items():
        await diary.posts(
            f"{item} for {venue}", "/aid/receipts", by=officer(SOUTH), **stock, lines=goods(item, 40 * each)
        )
    market = await _announced(diary, "market of Toboali", SOUTH, venue, 5)
    path = f"/aid/markets/{market['id']}"
    await diary.posts("Toboali opens", f"{path}/opening", by=officer(SOUTH))
    entries = [_sale(diary, f"Toboali {no}", family=f"keluarga-toboali-{no:03}") for no in range(10)]
    sold = [{**one, "sold_at": diary.ago(5, 9)} for one in entries]
    await diary.posts("sales of Toboali", f"{path}/sales", by=officer(SOUTH), counter="Loket Toboali", entries=sold)
    await diary.posts("Toboali closes", f"{path}/closing", by=officer(SOUTH))
    await diary.posts("Toboali settled", f"{path}/settlement")
    gone = await _announced(diary, "market of Belitung", BELITUNG, "MV-19.02-01", -3)
    await diary.posts("Belitung called off", f"/aid/markets/{gone['id']}/cancellation", reason="Kapal barang tertunda")
    await _announced(diary, "market of next week", CITY, "MV-19.71-01", -7)


async def _announced(diary: Diary, act: str, region: str, venue: str, days: int) -> Json:
    return await diary.posts(
        act,
        "/aid/markets",
        by=officer(region),
        place=venue,
        model="distributor_price",
        opens_at=diary.ago(days, 8),
        closes_at=diary.ago(days, 12),
        items=_offers(20),
    )


async def _households(diary: Diary) -> None:
    """Give coupons to households, take most of them in at a hand-out, and close an earlier round."""
    city = {"programme": "free-masks", "place": warehouse(CITY)}
    opened = await diary.posts("round", "/aid/coupon-rounds", by=officer(CITY), **city, coupons_max=200)
    path = f"/aid/coupon-rounds/{opened['id']}"
    households = [f"rumah-tangga-peragaan-{no:03}" for no in range(HOUSEHOLDS)]
    given = await diary.posts("coupons of households", f"{path}/coupons", by=officer(CITY), households=households)
    entitled = await diary.sees(f"/aid/postings/{given['id']}")
    used = [one["token"] for one in given["coupons"][: HOUSEHOLDS * 2 // 3]]
    await diary.posts(
        "masks for households",
        "/aid/distributions",
        by=officer(CITY),
        **city,
        occurred_at=entitled["occurred_at"],
        lines=goods(MASK, 4 * len(used)),
        recipients={"public": len(used)},
        coupons=used,
    )
    over = await diary.posts(
        "round of Belitung",
        "/aid/coupon-rounds",
        by=officer(BELITUNG),
        programme="free-masks",
        place=warehouse(BELITUNG),
        coupons_max=50,
    )
    await diary.posts("round closed", f"/aid/coupon-rounds/{over['id']}/closing", by=officer(BELITUNG))


async def _plans(diary: Diary) -> None:
    """Share soap among the regions by what they need, one line changed by hand; and leave a plan to be looked at."""
    regions = [one.code for one in diary.province.regions]
    needs = [
        {"region": region, "place": warehouse(region), "need_quantity": 60 + 15 * no}
        for no, region in enumerate(regions)
    ]
    plan = await diary.posts(
        "plan of soap", "/aid/allocation-plans", item=SOAP, from_place=PROVINCE, quantity=300, needs=needs
    )
    path = f"/aid/allocation-plans/{plan['id']}"
    seen = await diary.sees(path)
    line = next(one for one in seen["lines"] if one["region"] == SOUTH)
    if seen["state"] == "draft" and not line["overrides"]:
        less = {"quantity": max(0, line["quantity"] - 10), "reason": "Pelabuhan Sadai tutup sampai Senin"}
        await diary.changes("line of Toboali", f"{path}/lines/{SOUTH}", seen["version"], **less)
    confirmed = await diary.posts("plan confirmed", f"{path}/confirmation")
    for given in confirmed["lines"][:2]:
        accepted = [{"item": SOAP, "accepted": given["quantity"], "rejected": 0}]
        await diary.posts(
            f"soap of the plan in {given['region']}",
            f"/aid/transfers/{given['transfer_id']}/receipt",
            by=officer(given["region"]),
            occurred_at=(await diary.sees(f"/aid/transfers/{given['transfer_id']}"))["occurred_at"],
            lines=accepted,
        )
    derived = [{"region": region, "place": warehouse(region)} for region in regions]
    await diary.posts(
        "plan of masks",
        "/aid/allocation-plans",
        item=MASK,
        from_place=PROVINCE,
        quantity=50_000,
        needs=derived,
        derive={"per_thousand": 60, "received_since": diary.day(-30)},
    )
