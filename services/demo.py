"""Loads the demo province once: its regions, catalogue, people, businesses and opening stock.

It goes through the same handlers as every request, so what it loads is checked, posted and published like the rest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from uuid import UUID

import msgspec

from services import demo_movements
from services.aid_distribution.alerts import handlers as alerts
from services.aid_distribution.alerts.handlers import SetLevel
from services.aid_distribution.distributions import limits
from services.aid_distribution.distributions.limits import SetLimit
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.catalogue import Category, CodeTaken, PlaceKind, Unit
from services.aid_distribution.ledger.domain import Source
from services.aid_distribution.ledger.orders import AddItem, AddPlace, ReceivedLine, ReceiveStock
from services.aid_distribution.ledger.programmes import Programme
from services.aid_distribution.markets import handlers as markets
from services.aid_distribution.markets.domain import Model
from services.aid_distribution.markets.orders import AnnounceMarket, OfferedItem
from services.aid_distribution.prices import handlers as prices
from services.aid_distribution.prices.handlers import ObservePrice, SetCeiling
from services.aid_distribution.production import calls, producers
from services.aid_distribution.production.shapes import CallForProduction, SetProfile
from services.aid_distribution.regions import handlers as aid_regions
from services.aid_distribution.stations import handlers as stations
from services.aid_distribution.stations.orders import PlaceStation
from services.aid_distribution.stations.use import CrowdLevel
from services.notifications.broadcasts import handlers as broadcasts
from services.notifications.broadcasts.audience import Audience
from services.notifications.broadcasts.domain import Texts
from services.notifications.contacts import handlers as contacts
from services.notifications.contacts.store import StaffMemberRow
from services.notifications.plans import Urgency
from services.registration.businesses import handlers as businesses
from services.registration.businesses.domain import BusinessData, Kbli, OwnerData
from services.registration.surveys import answers as survey_answers
from services.registration.surveys import handlers as surveys
from services.registration.surveys.answers import Given
from services.registration.surveys.domain import AnswerData, Channel, Status
from services.registration.surveys.orders import PlanSurvey
from services.registration.trainings import enrolling, offers
from services.registration.trainings import handlers as trainings
from services.registration.trainings.enrolment_rules import How
from services.registration.trainings.handlers import TrainingData
from shared.caller import Caller, Role
from shared.clock import Clock, wib_day
from shared.crashpoints import reach
from shared.database import Database, Work
from shared.keys import KeyStore
from shared.outbox import install_heads
from shared.privacy import Vault
from shared.problems import Refusal
from shared.province import PROVINCES, BrokenProvince, Province, read_province
from shared.province_rows import Station
from shared.routes import Asked
from shared.settings import SettingInvalid, Settings

Report = Callable[[str], None]
HELD_AFTER_DAYS = 14
"""A training that businesses have applied for is held so many days after the first start: its own days are past."""

DRAFT_OF_USE_DAYS = 28

NO_WAVE = UUID(int=0)
"""What a wave follows that follows a later one: the plan is refused as one that follows nothing known."""


async def load(settings: Settings, report: Report) -> None:
    """Load the province that the settings name, unless it is there already; each service in one transaction."""
    try:
        province = read_province(PROVINCES / settings.province)
    except BrokenProvince as fault:
        raise SettingInvalid(f"the province cannot be loaded: {fault}") from fault
    caller = Caller("operator", Role.OPERATOR, (province.about.code,))
    loaded = await asyncio.gather(
        _load(settings, "registration", caller, lambda work: _people(work, province)),
        _load(settings, "aid_distribution", caller, lambda work: _stock(work, province)),
        _load(settings, "notifications", caller, lambda work: _staff(work, province)),
    )
    if any(loaded):
        report(
            f"{province.about.name} is loaded: {len(province.businesses)} businesses, {len(province.places)} places,"
            f" {len(province.items)} items with opening stock"
        )
    else:
        report(f"{province.about.name} was loaded before; its data is kept")


async def _load(settings: Settings, service: str, caller: Caller, task: Callable[[Work], Awaitable[bool]]) -> bool:
    database = Database(
        settings.database_urls[service],
        service,
        partitions=settings.partitions,
        clock=Clock(),
        connections_max=1,
        vault=_vault(settings),
    )

    async def carry_out(work: Work) -> bool:
        await install_heads(work.session, settings.partitions)
        loaded = await task(work)
        reach("province.before_commit", service)
        return loaded

    try:
        loaded = await database.run(caller, carry_out)
        reach("province.after_commit", service)
        return loaded
    finally:
        await database.close()


async def _people(work: Work, province: Province) -> bool:
    if await businesses.regions(work):
        return False
    await businesses.load_regions(work, province.regions)
    owners = {owner.id: owner for owner in province.owners}
    for business in province.businesses:
        owner = owners[business.owner]
        await businesses.register_business(
            work,
            BusinessData(
                name=business.name,
                sector=business.sector,
                region=business.region,
                kbli=Kbli(business.kbli, business.kbli_edition),
                nib=business.nib,
                workers=business.workers,
                investment_rupiah=business.investment_rupiah,
                annual_sales_rupiah=business.annual_sales_rupiah,
                annual_sales_on=wib_day(work.now),
            ),
            owner=OwnerData(
                name=owner.name, nik=owner.nik, phone=owner.phone, email=owner.email, language=owner.language
            ),
            business_id=business.id,
            new_owner_id=owner.id,
        )
    await _surveys(work, province)
    await _trainings(work, province)
    return True


async def _surveys(work: Work, province: Province) -> None:
    """Plan the waves, the earlier ones first, and write down what was answered on paper."""
    waves: dict[str, UUID] = {}
    for wave in sorted(province.surveys, key=attrgetter("now_month")):
        order = PlanSurvey(
            title=wave.title,
            region=wave.region,
            opens_on=wave.opens_on,
            closes_on=wave.closes_on,
            before_month=wave.before_month,
            now_month=wave.now_month,
            follows=waves.get(wave.follows, NO_WAVE) if wave.follows else None,
            document=wave.code,
        )
        waves[wave.code] = (await surveys.plan(work, order)).wave.id
    given = [
        Given(
            survey_id=waves[row.survey],
            business_id=row.business,
            data=AnswerData(
                status=Status(row.status),
                turnover_before_rupiah=row.turnover_before_rupiah,
                turnover_now_rupiah=row.turnover_now_rupiah,
                capacity_before=row.capacity_before,
                capacity_now=row.capacity_now,
                workers_before=row.workers_before,
                workers_now=row.workers_now,
                answered_on=row.answered_on,
            ),
            channel=Channel.IMPORT,
        )
        for row in province.survey_answers
    ]
    _raise_first(await survey_answers.take(work, given))


async def _trainings(work: Work, province: Province) -> None:
    """Announce the trainings that businesses apply for, and offer them the seats."""
    for training in province.trainings:
        applying = [row for row in province.enrolments if row.training == training.code]
        if not applying:
            continue
        first = wib_day(work.now) + timedelta(days=HELD_AFTER_DAYS)
        announced = await trainings.announce(
            work,
            TrainingData(
                programme=training.code,
                title=training.title,
                sector=training.sector,
                region=training.region,
                venue=training.venue,
                seats=training.seats,
                sessions=[first + timedelta(days=no) for no in range((training.ends_on - training.starts_on).days + 1)],
                kits={},
            ),
            {"/region": training.region},
        )
        enrolled = [await enrolling.apply(work, announced.training.id, row.business, How.PAPER) for row in applying]
        await offers.allocate(work, announced.training.id)
        for row, one in zip(applying, enrolled, strict=True):
            if row.answer:
                await offers.answer(work, one.row.id, accepts=row.answer == "accept", how=How.PHONE)


async def _stock(work: Work, province: Province) -> bool:
    await aid_regions.load(work, province.regions)
    try:
        for item in province.items:
            added = AddItem(code=item.code, name=item.name, unit=Unit(item.unit), category=Category(item.category))
            await ledger.add_item(work, added)
    except CodeTaken:
        return False
    for place in province.places:
        await ledger.add_place(
            work,
            AddPlace(code=place.code, name=place.name, kind=PlaceKind(place.kind), region=place.region),
        )
    _raise_first(await ledger.receive(work, [Asked(order, work.caller) for order in _receipts(province)]))
    await demo_movements.load(work, province)
    await _prices(work, province)
    await _production(work, province)
    for station in province.stations:
        await stations.place(work, work.caller, _station(station))
    for level in province.stock_levels:
        order = SetLevel(place=level.place, item=level.item, low_at=level.low_at, ok_at=level.ok_at)
        await alerts.set_level(work, work.caller, order)
    for limit in province.limits:
        await limits.set_limit(
            work,
            work.caller,
            SetLimit(
                region=limit.region,
                programme=Programme(limit.programme),
                item=limit.item,
                quantity_max=limit.quantity_max,
                times_max=limit.times_max,
                period_days=limit.period_days,
                valid_from=limit.valid_from,
            ),
        )
    for market in _markets(province):
        await markets.announce(work, work.caller, market)
    return True


async def _prices(work: Work, province: Province) -> None:
    for ceiling in province.ceilings:
        await prices.set_ceiling(work, work.caller, msgspec.convert(msgspec.structs.asdict(ceiling), SetCeiling))
    for seen in sorted(province.price_observations, key=attrgetter("observed_at")):
        await prices.observe(work, work.caller, msgspec.convert(msgspec.structs.asdict(seen), ObservePrice))


async def _production(work: Work, province: Province) -> None:
    """Say what businesses can make, which they may be known for only later, and what they are asked to make."""
    for row in province.producers:
        profile = SetProfile(
            capacity_per_week=row.capacity_per_week,
            decline_permille=row.decline_permille,
            as_of=row.as_of,
            source=row.source,
        )
        await producers.keep_profile(work, work.caller, row.business, profile)
    for call in province.production_calls:
        await calls.add_call(
            work,
            work.caller,
            CallForProduction(
                document=call.document,
                item=call.item,
                quantity=call.quantity,
                price_rupiah=call.price_rupiah,
                cap_per_business=call.cap_per_business,
                due_on=wib_day(work.now) + timedelta(days=call.due_days),
                place=call.place,
                sector=call.sector,
                regions=[call.region],
            ),
        )


def _station(row: Station) -> PlaceStation:
    return PlaceStation(
        code=row.code,
        name=row.name,
        site=row.site,
        crowd_level=CrowdLevel(row.crowd_level),
        capacity_water_millilitre=row.capacity_water_millilitre,
        capacity_soap_millilitre=row.capacity_soap_millilitre,
        from_place=row.from_place,
        occurred_at=row.occurred_at,
    )


def _receipts(province: Province) -> list[ReceiveStock]:
    together = attrgetter("place", "source", "occurred_at")
    return [
        ReceiveStock(
            place=place,
            source=Source(source),
            occurred_at=occurred_at,
            document="SALDO-AWAL",
            lines=[ReceivedLine(item=row.item, quantity=row.quantity, lot=row.lot) for row in rows],
        )
        for (place, source, occurred_at), rows in groupby(sorted(province.opening_stock, key=together), together)
    ]


def _markets(province: Province) -> list[AnnounceMarket]:
    together = attrgetter("place", "model", "opens_at", "closes_at")
    return [
        AnnounceMarket(
            place=place,
            model=Model(model),
            opens_at=opens_at,
            closes_at=closes_at,
            items=[
                OfferedItem(
                    item=row.item,
                    price_rupiah=row.price_rupiah,
                    market_price_rupiah=row.market_price_rupiah,
                    allotment=row.allotment,
                    limit_per_family=row.limit_per_family,
                )
                for row in rows
            ],
        )
        for (place, model, opens_at, closes_at), rows in groupby(sorted(province.markets, key=together), together)
    ]


def _raise_first(outcomes: Sequence[object]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, Refusal):
            raise outcome


async def _staff(work: Work, province: Province) -> bool:
    if await contacts.staff_names(work, [province.staff[0].subject]):
        return False
    for member in province.staff:
        await contacts.register_staff(
            work,
            work.caller,
            StaffMemberRow(
                subject=member.subject,
                name=member.name,
                role=member.role,
                regions=[member.region],
                email=member.email,
                language=member.language,
                changed_at=work.now,
            ),
        )
    await _broadcast(work, province)
    return True


async def _broadcast(work: Work, province: Province) -> None:
    """Draft what may be told to many; who they are is known here only when registration has told of them."""
    wanted = broadcasts.Draft(
        Urgency.INVITATION,
        Texts(
            "Pelatihan jahit masker dibuka",
            "{owner}, {business} dapat mendaftar pelatihan jahit masker sampai {until} di kantor dinas setempat.",
            "Training in sewing masks is open",
            "{owner}, {business} can apply for training in sewing masks until {until} at the office of your region.",
        ),
        Audience([province.about.code], ["garment"]),
        work.now + timedelta(days=DRAFT_OF_USE_DAYS),
    )
    await broadcasts.draft(work, wanted, {})


def _vault(settings: Settings) -> Vault:
    keys = KeyStore(settings.home)
    return Vault(keys.master, keys.personal)
