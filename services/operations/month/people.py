"""What was done with businesses: asked how they are, trained with kits, and asked to sew."""

from datetime import timedelta

from services.operations.month.diary import Diary, Json, officer, warehouse
from services.operations.month.stock import BELITUNG, CITY, MASK, PROVINCE, SEWING_KIT, on_sheet
from services.operations.refusals import NotPossible

CALL = "SPK-MASKER (peragaan)"
GARMENT = "garment"
PRICE_RUPIAH = 5_000
ANSWERS = 16
ASKED = 5
SHARE = 300
WHY_SO_MANY = "Bagian yang sama untuk peragaan"
ANSWER_DAYS = 14
"""So long an offer waits: longer than the month may be gone on with."""
SEATS = 20
LEFT_PERCENT = (90, 81, 72, 63, 54, 45, 0)
"""What businesses in turns say to be left of their turnover; who has none left says to have stopped for now."""


async def call_for_masks(diary: Diary) -> Json:
    """Ask for masks: the act that the month begins with, and by which it is found again."""
    return await diary.posts(
        "call for masks",
        "/aid/production-calls",
        item=MASK,
        quantity=6_000,
        price_rupiah=PRICE_RUPIAH,
        due_on=diary.day(20),
        regions=["19"],
        place=PROVINCE,
        sector=GARMENT,
        cap_per_business=1_200,
        document=CALL,
    )


async def tell(diary: Diary, call: Json) -> None:
    """Tell of the orders of the call, of a wave of answers, and of trainings with kits."""
    await _orders(diary, call)
    await _survey(diary)
    await _trainings(diary)


async def _orders(diary: Diary, call: Json) -> None:
    """Offer parts of the call: one is done and paid, one runs, one was declined, one taken back, one is to answer."""
    done, running, declined, gone, _waiting = await _offers(diary, call)
    for order in (done, running, gone):
        await diary.posts(f"yes to {order['lot']}", f"/aid/production-orders/{order['id']}/acceptance")
    await diary.posts(
        f"no to {declined['lot']}", f"/aid/production-orders/{declined['id']}/decline", reason="Mesin jahit rusak"
    )
    await _delivered(diary, done, 180, 0, last=False)
    await _delivered(diary, done, 120, 0, last=True)
    await _delivered(diary, running, 150, 12, last=False)
    await diary.posts(
        f"payment of {done['lot']}",
        f"/aid/production-orders/{done['id']}/payments",
        amount_rupiah=SHARE * PRICE_RUPIAH,
        paid_at=diary.now,
        reference="SP2D-PERAGAAN-1",
    )
    await diary.posts(
        f"no more of {gone['lot']}",
        f"/aid/production-orders/{gone['id']}/taking-back",
        reason="Pemilik sakit, sisa pesanan dialihkan",
    )


async def _offers(diary: Diary, call: Json) -> list[Json]:
    """Offer equal parts to the first that can be asked, beside those who were in an earlier run, and give all."""
    every = await diary.every("/aid/production-orders", call=call["id"])
    ours = [one for one in every if one["quantity"] == SHARE and one["override_reason"] in (None, WHY_SO_MANY)]
    offered = sorted(ours, key=lambda order: (order["offered_at"], order["lot"]))[:ASKED]
    if len(offered) == ASKED:
        return offered
    ranking = await diary.every(f"/aid/production-calls/{call['id']}/candidates")
    free = {one["business_id"] for one in ranking if one["left_out"] != "restricted"}
    free -= {order["business_id"] for order in every}
    chosen = [str(one.id) for one in diary.province.businesses if str(one.id) in free][: ASKED - len(offered)]
    if len(offered) + len(chosen) < ASKED:
        raise NotPossible(f"{ASKED} businesses that sew must be open, and {len(offered) + len(chosen)} are")
    return offered + [
        await diary.posts(
            f"order of {business}",
            "/aid/production-orders",
            call=call["id"],
            business=business,
            quantity=SHARE,
            reason=WHY_SO_MANY,
            answer_by=diary.day(ANSWER_DAYS) + "T17:00:00+07:00",
        )
        for business in chosen
    ]


async def _delivered(diary: Diary, order: Json, quantity: int, rejected: int, *, last: bool) -> None:
    reasons = [{"reason": "seams", "quantity": rejected}] if rejected else []
    await diary.posts(
        f"{quantity} of {order['lot']}",
        f"/aid/production-orders/{order['id']}/deliveries",
        occurred_at=diary.now,
        quantity=quantity,
        inspection={"accepted": quantity - rejected, "rejected": rejected, "layers": 2, "reasons": reasons},
        last=last,
    )


async def _survey(diary: Diary) -> None:
    """Ask anew, so that needs are young enough to weigh in plans."""
    month = diary.today.replace(day=1)
    wave = await diary.posts(
        "wave",
        "/registration/surveys",
        title="Survei dampak (peragaan)",
        region="19",
        opens_on=diary.day(-20),
        closes_on=diary.day(20),
        before_month=f"{month.year - 1}-{month.month:02}",
        now_month=f"{month - timedelta(days=1):%Y-%m}",
    )
    for no, one in enumerate(diary.province.businesses[::2][:ANSWERS]):
        before = one.annual_sales_rupiah // 12
        left_percent = LEFT_PERCENT[no % len(LEFT_PERCENT)]
        await diary.posts(
            f"answer {no}",
            f"/registration/surveys/{wave['id']}/answers",
            by=officer(one.region),
            business_id=str(one.id),
            status="running" if left_percent else "suspended",
            turnover_before_rupiah=before,
            turnover_now_rupiah=before * left_percent // 100,
            workers_before=one.workers + 1,
            workers_now=one.workers,
            answered_on=diary.day(-(no % 10)),
        )


async def _trainings(diary: Diary) -> None:
    """Announce trainings whose kits are reserved, refused, and released again."""
    there, _ = await on_sheet(diary, "sheet of kits", BELITUNG, SEWING_KIT)
    await _training(diary, "TR-P-1", CITY, 12, "reserved")
    await _training(diary, "TR-P-2", BELITUNG, there + 50, "refused")
    called_off = await _training(diary, "TR-P-3", BELITUNG, 8, "reserved")
    await diary.posts(
        "TR-P-3 called off", f"/registration/trainings/{called_off['id']}/cancellation", reason="Narasumber sakit"
    )
    await _kits(diary, called_off, "released")


async def _training(diary: Diary, code: str, region: str, kits: int, becomes: str) -> Json:
    training = await diary.posts(
        code,
        "/registration/trainings",
        programme=code,
        title="Bimtek menjahit masker (peragaan)",
        sector=GARMENT,
        region=region,
        venue="Aula kantor dinas",
        seats=min(kits, SEATS),
        sessions=[diary.day(15), diary.day(16)],
        kits={"place": warehouse(region), "lines": [{"item": SEWING_KIT, "quantity": kits}]},
    )
    await _kits(diary, training, becomes)
    return training


async def _kits(diary: Diary, training: Json, becomes: str) -> None:
    async def told() -> bool:
        seen = (await diary.sees(f"/registration/trainings/{training['id']}"))["kits"]
        # A second run finds kits that were released long ago where it waits for them to be reserved.
        return seen["state"] in {becomes, "released"}

    await diary.waits(told, f"word that kits are {becomes}")
