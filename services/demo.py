"""Loads the demo province once: its regions, catalogue, people, businesses and opening stock.

It goes through the same handlers as every request, so what it loads is checked, posted and published like the rest.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter

import msgspec

from services.aid_distribution.alerts import handlers as alerts
from services.aid_distribution.alerts.handlers import SetLevel
from services.aid_distribution.distributions import limits
from services.aid_distribution.distributions.domain import Programme
from services.aid_distribution.distributions.limits import SetLimit
from services.aid_distribution.ledger import handlers as ledger
from services.aid_distribution.ledger.catalogue import Category, CodeTaken, PlaceKind, Unit
from services.aid_distribution.ledger.domain import Source
from services.aid_distribution.ledger.orders import AddItem, AddPlace, ReceivedLine, ReceiveStock
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
from services.notifications.contacts import handlers as contacts
from services.notifications.contacts.store import StaffMemberRow
from services.registration.businesses import handlers as businesses
from services.registration.businesses.domain import BusinessData, Kbli, OwnerData
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
    return True


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
    return True


def _vault(settings: Settings) -> Vault:
    keys = KeyStore(settings.home)
    return Vault(keys.master, keys.personal)
