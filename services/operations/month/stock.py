"""What the warehouses did: came in, was handed out, went back, was lent, counted, promised, and what does not fit."""

from services.operations.month.diary import Diary, Json, goods, officer, warehouse

MASK, SOAP, RICE, SUGAR, OIL = "MASK-CLOTH", "SOAP-5L", "RICE-5KG", "SUGAR-1KG", "OIL-1L"
SEWING_KIT, FAMILY_PACK, STATION = "SEWING-KIT", "FAMILY-PACK", "HANDWASH-STATION"
KITS = "JAHIT-PERAGAAN"
PROVINCE = "WH-PROV"
CAME_IN_DAYS = 27
HANDED_OUT_DAYS = (22, 16, 10, 4)
"""Days on which every office gives out masks, so that there is a use to reckon with."""

CITY, NORTH, BELITUNG, SOUTH = "19.71", "19.01", "19.02", "19.03"
CENTRE, WEST, EAST = "19.04", "19.05", "19.06"


async def tell(diary: Diary) -> None:
    """Post a month of the warehouses."""
    await _came_in(diary)
    await _handed_out(diary)
    await _moved(diary)
    await _counted(diary)
    await _promised(diary)
    await _kits_and_loans(diary)
    await _taken_back(diary)
    await _ran_low(diary)
    await _does_not_fit(diary)


async def _came_in(diary: Diary) -> None:
    box: Json = {"code": "DUS-50", "name": "Dus isi 50", "quantity": 50}
    await diary.posts("pack of masks", f"/aid/items/{MASK}/packs", **box)
    receipt = {"place": PROVINCE, "source": "donation"}
    soap = [
        *goods(SOAP, 40, lot="SB-1", expires_on=diary.day(20)),
        *goods(SOAP, 120, lot="SB-2", expires_on=diary.day(400)),
        *goods(SOAP, 15, lot="SB-3", expires_on=diary.day(300)),
    ]
    await diary.posts("soap given", "/aid/receipts", **receipt, occurred_at=diary.ago(CAME_IN_DAYS), lines=soap)
    held = {"item": SOAP, "lot": "SB-3", "reason": "Jeriken menggembung, menunggu pemeriksaan"}
    await diary.posts("soap on hold", "/aid/lots/hold", **held)
    boxes = goods(MASK, 200, pack="DUS-50")
    await diary.posts("masks in boxes", "/aid/receipts", **receipt, occurred_at=diary.ago(26), lines=boxes)


async def _handed_out(diary: Diary) -> None:
    for no, region in enumerate(one.code for one in diary.province.regions):
        businesses = [str(one.id) for one in diary.province.businesses if one.region == region][:3]
        for week, days in enumerate(HANDED_OUT_DAYS):
            heads = 120 + 35 * ((no + 2 * week) % 4)
            await diary.posts(
                f"masks {region} {week}",
                "/aid/distributions",
                by=officer(region),
                programme="free-masks",
                place=warehouse(region),
                occurred_at=diary.ago(days, 9 + no % 4),
                lines=goods(MASK, 2 * heads + 10 * len(businesses)),
                recipients={"public": heads, "businesses": businesses},
            )
        await diary.posts(
            f"soap {region}",
            "/aid/distributions",
            by=officer(region),
            programme="handwashing",
            place=warehouse(region),
            occurred_at=diary.ago(15 - no, 14),
            lines=goods(SOAP, 6 + no),
            recipients={"public": 60 + 5 * no},
        )
    shown = await diary.posts(
        "masks at the market",
        "/aid/distributions",
        by=officer(CITY),
        programme="free-masks",
        place=warehouse(CITY),
        occurred_at=diary.ago(3, 8),
        lines=goods(MASK, 150),
        recipients={"public": 150},
    )
    seen = {
        "photo_reference": "foto/2020/pasar-induk-01.jpg",
        "position": {"latitude_microdegrees": -2_131_627, "longitude_microdegrees": 106_116_930},
        "signature_name": "Nurhayati Zain",
    }
    evidence = f"/aid/distributions/{shown['id']}/evidence"
    await diary.posts("evidence of the market", evidence, by=officer(CITY), **seen)
    wrong = await diary.posts(
        "masks posted twice",
        "/aid/distributions",
        by=officer(WEST),
        programme="free-masks",
        place=warehouse(WEST),
        occurred_at=diary.ago(4, 9),
        lines=goods(MASK, 80),
        recipients={"public": 80},
    )
    reason = "Dientri dua kali"
    void = f"/aid/distributions/{wrong['id']}/void"
    await diary.posts("masks posted twice, taken back", void, by=officer(WEST), reason=reason)


async def _moved(diary: Diary) -> None:
    """Send soap that arrives in full, masks of which some are damaged, and rice that is still on its way."""
    soap = await _sends(diary, "soap to Belitung", BELITUNG, 20, goods(SOAP, 20))
    await _arrives(diary, soap, BELITUNG, 19, [{"item": SOAP, "accepted": 20, "rejected": 0}])
    masks = await _sends(diary, "masks to Manggar", EAST, 14, goods(MASK, 1_000))
    short = {"item": MASK, "accepted": 960, "rejected": 40, "reason": "damaged"}
    await _arrives(diary, masks, EAST, 12, [short])
    await _sends(diary, "rice to Toboali", SOUTH, 2, goods(RICE, 150))


async def _sends(diary: Diary, act: str, to: str, days: int, lines: list[Json]) -> Json:
    order: Json = {"from_place": PROVINCE, "to_place": warehouse(to), "occurred_at": diary.ago(days), "lines": lines}
    return await diary.posts(act, "/aid/transfers", **order)


async def _arrives(diary: Diary, transfer: Json, where: str, days: int, lines: list[Json]) -> None:
    path = f"/aid/transfers/{transfer['id']}/receipt"
    act = f"arrival of {transfer['number']}"
    await diary.posts(act, path, by=officer(where), occurred_at=diary.ago(days, 15), lines=lines)


async def _counted(diary: Diary) -> None:
    """Count, and learn afterwards of a receipt from before: the count takes it up, and nothing after it changes."""
    await _counts(diary, "Koba", CENTRE, (OIL, SUGAR), 6)
    late = {"place": warehouse(CENTRE), "source": "supplier", "document": "SJ-0142"}
    await diary.posts(
        "oil told late", "/aid/receipts", by=officer(CENTRE), **late, occurred_at=diary.ago(9), lines=goods(OIL, 4)
    )
    await _counts(diary, "Sungailiat", NORTH, (SOAP,), 1)


async def _counts(diary: Diary, name: str, region: str, items: tuple[str, ...], lost: int) -> None:
    """Count each lot of some items as the book has it, but for what is missing of the first."""
    there: Json = {"by": officer(region), "place": warehouse(region)}
    sheet = await diary.posts(f"sheet at {name}", "/aid/snapshots", **there, items=list(items))
    lines: list[Json] = [
        {"item": line["item"], "lot": line["lot"], "quantity": line["on_hand"]} for line in sheet["lines"]
    ]
    short = next(line for line in lines if line["item"] == items[0] and line["quantity"] >= lost)
    short |= {"quantity": short["quantity"] - lost, "reason": "lost"}
    at = sheet["taken_at"]
    await diary.posts(f"count at {name}", "/aid/counts", **there, occurred_at=at, snapshot=sheet["id"], lines=lines)


async def _promised(diary: Diary) -> None:
    """Promise goods: one promise is partly used, another was let go of."""
    promise = {"place": warehouse(CITY), "expires_at": diary.day(14) + "T17:00:00+07:00"}
    lines = goods(MASK, 500)
    purpose = "Pasar murah Girimaya"
    kept = await diary.posts(
        "masks promised", "/aid/reservations", by=officer(CITY), **promise, purpose=purpose, lines=lines
    )
    await diary.posts(
        "masks out of the promise",
        "/aid/distributions",
        by=officer(CITY),
        programme="free-masks",
        place=warehouse(CITY),
        occurred_at=kept["reserved_at"],
        lines=goods(MASK, 200),
        recipients={"public": 200},
        reservation=kept["id"],
    )
    rice = goods(RICE, 60)
    gone = await diary.posts(
        "rice promised", "/aid/reservations", by=officer(CITY), **promise, purpose="Dapur umum Pangkalbalam", lines=rice
    )
    path = f"/aid/reservations/{gone['id']}/release"
    await diary.posts("rice let go of", path, by=officer(CITY), reason="Dapur umum dibatalkan")


async def _kits_and_loans(diary: Diary) -> None:
    packed = {"place": warehouse(EAST), "quantity": 25, "occurred_at": diary.ago(10)}
    await diary.posts("food packs made", f"/aid/kits/{FAMILY_PACK}/assemblies", by=officer(EAST), **packed)
    opened = {"place": warehouse(EAST), "quantity": 5, "occurred_at": diary.ago(6)}
    await diary.posts("food packs opened", f"/aid/kits/{FAMILY_PACK}/unpackings", by=officer(EAST), **opened)
    lent = await diary.posts(
        "stations lent",
        "/aid/loans",
        by=officer(WEST),
        place=warehouse(WEST),
        borrower={"name": "Posko Pasar Muntok"},
        due_on=diary.day(10),
        occurred_at=diary.ago(20),
        lines=goods(STATION, 3),
    )
    back = [{"item": STATION, "returned": 1, "lost": 1, "reason": "lost"}]
    path = f"/aid/loans/{lent['id']}/returns"
    await diary.posts("stations back", path, by=officer(WEST), occurred_at=diary.ago(7), lines=back)


async def _taken_back(diary: Diary) -> None:
    given = await diary.posts(
        "rice given",
        "/aid/distributions",
        by=officer(SOUTH),
        programme="cheap-market",
        place=warehouse(SOUTH),
        occurred_at=diary.ago(9, 10),
        lines=goods(RICE, 30),
        recipients={"public": 30},
    )
    await diary.posts(
        "rice back",
        "/aid/returns",
        by=officer(SOUTH),
        direction="from_public",
        place=warehouse(SOUTH),
        occurred_at=diary.ago(8, 11),
        reason="Karung sobek",
        lines=goods(RICE, 4),
        posting=given["posting_id"],
    )
    wrong = {"place": warehouse(SOUTH), "reason": "damaged", "occurred_at": diary.ago(5), "lines": goods(SUGAR, 20)}
    issue = await diary.posts("sugar damaged", "/aid/issues", by=officer(SOUTH), **wrong)
    path = f"/aid/postings/{issue['id']}/reversal"
    await diary.posts("sugar not damaged", path, by=officer(SOUTH), reason="Ternyata masih layak")


async def _ran_low(diary: Diary) -> None:
    """Let soap run low twice: once it was brought, once it still is."""
    for act, region in (("soap low at Manggar", EAST), ("soap low at Toboali", SOUTH)):
        await _down_to(diary, act, region, 10)
        await diary.alarms(kind="low", place=warehouse(region), item=SOAP)
    await _brings(diary, EAST, 50)
    await diary.alarms(state="cleared", kind="low", place=warehouse(EAST), item=SOAP)


async def _down_to(diary: Diary, act: str, region: str, left: int) -> None:
    """Hand out soap until so much is left, as the book says at the first try."""
    on_hand, at = await on_sheet(diary, f"{act}: sheet", region, SOAP)
    await diary.posts(
        act,
        "/aid/distributions",
        by=officer(region),
        programme="handwashing",
        place=warehouse(region),
        occurred_at=at,
        lines=goods(SOAP, on_hand - left),
        recipients={"public": 10 * (on_hand - left)},
    )


async def on_sheet(diary: Diary, act: str, region: str, item: str) -> tuple[int, str]:
    """Say how much of an item the book has in the warehouse of a region at the first try, and when that was."""
    sheet = await diary.posts(act, "/aid/snapshots", by=officer(region), place=warehouse(region), items=[item])
    return sum(line["on_hand"] for line in sheet["lines"]), str(sheet["taken_at"])


async def _brings(diary: Diary, region: str, quantity: int) -> None:
    given = {"place": warehouse(region), "source": "donation", "occurred_at": diary.now}
    await diary.posts(f"soap for {region}", "/aid/receipts", by=officer(region), **given, lines=goods(SOAP, quantity))


async def _does_not_fit(diary: Diary) -> None:
    """Park what the cards do not hold: one waits, one was entered once its goods were in the book, one was dropped.

    They are kits of a lot of their own, of which nothing else is there.
    """
    city = {"place": warehouse(CITY), "occurred_at": diary.ago(1, 10)}
    kits = {"programme": "training", "recipients": {"public": 30}, "lines": goods(SEWING_KIT, 30, lot=KITS)}
    path = "/aid/exceptions/distributions"
    await diary.posts("kits that were not there", path, by=officer(CITY), **city, **kits)
    east = {"place": warehouse(EAST), "reason": "damaged", "lines": goods(SEWING_KIT, 2, lot=KITS)}
    told = {**east, "occurred_at": diary.ago(2)}
    entered = await diary.posts("kits damaged at Manggar", "/aid/exceptions/issues", by=officer(EAST), **told)
    missing = {
        "place": warehouse(EAST),
        "source": "supplier",
        "occurred_at": diary.ago(3),
        "lines": goods(SEWING_KIT, 6, lot=KITS),
    }
    await diary.posts("kits told late", "/aid/receipts", by=officer(EAST), **missing)
    await diary.posts("kits entered", f"/aid/exceptions/{entered['id']}/application", by=officer(EAST))
    twice = {**east, "occurred_at": diary.ago(2, 13), "lines": goods(SEWING_KIT, 9, lot=KITS)}
    dropped = await diary.posts("kits told twice", "/aid/exceptions/issues", by=officer(EAST), **twice)
    path = f"/aid/exceptions/{dropped['id']}/drop"
    await diary.posts("kits dropped", path, by=officer(EAST), reason="Dientri dua kali di HP")
