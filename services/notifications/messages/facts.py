"""What the texts may say of each fact: the values of their placeholders, every one within its length."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from types import MappingProxyType

from services.notifications.messages.wording import (
    UNITS,
    day,
    figure,
    goods,
    listed,
    moment,
    quantity,
    rupiah,
    shortened,
)
from services.notifications.people import Language
from shared.caller import sees
from shared.contracts import Event
from shared.contracts.aid_distribution import (
    AlertRaised,
    DistributionPosted,
    DistributionVoided,
    ExceptionChanged,
    ExceptionOpened,
    ExceptionOverdue,
    Goods,
    KitsEvent,
    KitShortage,
    KitsRefused,
    KitsReleased,
    KitsReserved,
    MarketAnnounced,
    MarketCancelled,
    MarketOffer,
    PriceAlert,
    ProductionDelivered,
    ProductionEvent,
    ProductionOffered,
    ProductionPaid,
    ProductionTakenBack,
    StationBroken,
    StationDry,
    StationReported,
    StockAlert,
    StockExpiring,
    StockLow,
    StockOut,
    StockReceived,
    StockRestated,
    TransferDispatched,
    TransferReceived,
)
from shared.contracts.registration import (
    BusinessRegistered,
    CertificateEvent,
    CertificateIssued,
    CertificateRevoked,
    SeatAccepted,
    SeatEvent,
    SeatExpired,
    SeatOffered,
    SeatWaitlisted,
    SeatWithdrawn,
    SurveyOpened,
    TrainingCancelled,
    TrainingMoved,
)

LENGTH_MAX: Mapping[str, int] = MappingProxyType(
    {
        "business": 40,
        "changes": 64,
        "link": 112,
        "ceiling": 16,
        "giver": 36,
        "goods": 64,
        "why": 76,
        "item": 40,
        "rejected": 40,
        "number": 24,
        "offers": 80,
        "place": 40,
        "from_place": 24,
        "to_place": 24,
        "programme": 16,
        "origin": 16,
        "reason": 60,
        "recipients": 44,
        "region": 13,
        "sector": 24,
        "site": 40,
        "station": 40,
        "survey": 50,
        "problem": 20,
        "unit": 8,
        "on_hand": 28,
        "low_at": 28,
        "left_out": 28,
        "lot": 40,
        "expires_on": 16,
        "found": 28,
        "until": 24,
        "when": 24,
        "amount": 26,
        "balance": 26,
        "price": 20,
        "answer_by": 24,
        "due_on": 12,
        "order": 50,
        "reference": 24,
        "released": 50,
        "shortages": 60,
        "elsewhere": 50,
        "because": 30,
        "starts_on": 12,
        "training": 50,
        "session": 3,
        "change": 42,
        "venue": 50,
    }
)
"""The longest that each placeholder can become, in characters; the check of the texts counts with it."""

PROGRAMMES: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {
        Language.INDONESIAN: {
            "free-masks": "masker gratis",
            "handwashing": "cuci tangan",
            "cheap-market": "pasar murah",
            "training": "pelatihan",
        },
        Language.ENGLISH: {
            "free-masks": "free masks",
            "handwashing": "handwashing",
            "cheap-market": "cheap market",
            "training": "training",
        },
    }
)
ORIGINS: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {
        Language.INDONESIAN: {"supplier": "pemasok", "production": "produksi", "donation": "sumbangan"},
        Language.ENGLISH: {"supplier": "a supplier", "production": "production", "donation": "a donation"},
    }
)
PROBLEMS: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {
        Language.INDONESIAN: {"dry": "tidak ada air", "no_soap": "tidak ada sabun", "broken": "rusak"},
        Language.ENGLISH: {"dry": "no water", "no_soap": "no soap", "broken": "broken"},
    }
)
KEPT_TOO_LONG: Mapping[Language, str] = MappingProxyType(
    {Language.INDONESIAN: "masa cadangan habis", Language.ENGLISH: "kept for as long as was asked"}
)
REFUSED: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {
        Language.INDONESIAN: {
            "short": "stok kurang",
            "unknown_place": "tempat tidak dikenal",
            "unknown_item": "barang tidak dikenal",
            "over": "sudah lewat waktunya",
        },
        Language.ENGLISH: {
            "short": "not enough stock",
            "unknown_place": "no such place",
            "unknown_item": "no such item",
            "over": "asked too late",
        },
    }
)
ASK_FOR_THE_LINK: Mapping[Language, str] = MappingProxyType(
    {Language.INDONESIAN: "(minta tautannya di kantor dinas)", Language.ENGLISH: "(ask the office for the link)"}
)
OTHER_REGIONS: Mapping[Language, str] = MappingProxyType(
    {Language.INDONESIAN: "wilayah lain, tanyakan ke provinsi", Language.ENGLISH: "other regions, ask the province"}
)
CHANGES: Mapping[Language, tuple[str, str, str]] = MappingProxyType(
    {
        Language.INDONESIAN: ("{was_on} pindah ke {held_on}", "tetap {held_on}", "{was_on} tidak diadakan"),
        Language.ENGLISH: ("{was_on} moves to {held_on}", "still on {held_on}", "{was_on} is not held"),
    }
)
"""Of a session: it is held on another day, on its day, or not at all."""

SHORT = "short_of_stock"
RULES: Mapping[str, Mapping[Language, str]] = MappingProxyType(
    {
        code: {Language.INDONESIAN: indonesian, Language.ENGLISH: english}
        for code, indonesian, english in (
            ("limit_reached", "melebihi batas penerima", "beyond the limit of a recipient"),
            ("limit_per_family", "melebihi batas keluarga", "beyond the limit of the family"),
            ("allotment_exhausted", "melebihi jatah pasar", "beyond the allotment of the market"),
            ("lot_held", "lot sedang ditahan", "the lot is on hold"),
            ("counted_since", "sudah dihitung sesudahnya", "a later count stands"),
            ("coupon_used", "kupon sudah dipakai", "a coupon was used already"),
            ("coupon_round_closed", "masa kupon sudah ditutup", "the round of coupons was closed"),
            ("not_accepted", "pesanan belum diterima usaha", "the order was not accepted"),
            ("more_than_ordered", "lebih dari yang dipesan", "more than was ordered"),
            ("station_removed", "tempat cuci tangan sudah diangkat", "the station was removed"),
            ("business_closed", "usaha penerima sudah tutup", "the business had closed"),
        )
    }
)
"""What is said of the rules by which something that has happened may be refused."""

NONE: Mapping[Language, str] = MappingProxyType({Language.INDONESIAN: "tidak ada", Language.ENGLISH: "none"})

Values = dict[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """For whom the values are, and what is known of the matter beside the event.

    Shape: `giver` is the name of the member of staff who caused it, if known; `businesses` are the reader's own,
           `regions` those that they serve
    """

    language: Language
    giver: str | None = None
    businesses: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()


def values(event: Event, reading: Reading) -> Values:
    """Give the values of everything that a text about this fact may name."""
    return {name: shortened(value, LENGTH_MAX[name]) for name, value in _facts(event, reading).items()}


@singledispatch
def _facts(event: Event, reading: Reading) -> Values:
    raise TypeError(f"nothing is known to say about {event.type} in {reading.language}")


@_facts.register
def _(event: BusinessRegistered, reading: Reading) -> Values:
    return {
        "business": event.name,
        "region": event.region,
        "sector": event.sector,
        "giver": _giver(reading, event.region),
    }


@_facts.register
def _(event: SurveyOpened, reading: Reading) -> Values:
    # A link that was cut off leads nowhere: where an address is too long for a message, the office has it.
    fits = len(event.link) <= LENGTH_MAX["link"]
    told = {
        "link": event.link if fits else ASK_FOR_THE_LINK[reading.language],
        "region": event.region,
        "survey": event.title,
        "until": day(event.closes_on, reading.language),
    }
    if reading.businesses:
        told["business"] = listed(reading.businesses, LENGTH_MAX["business"], reading.language)
    return told


@_facts.register(DistributionPosted)
@_facts.register(DistributionVoided)
def _(event: DistributionPosted | DistributionVoided, reading: Reading) -> Values:
    told = {
        "goods": _goods(event.lines, reading),
        "giver": _giver(reading, event.region),
        "number": event.number,
        "place": event.place_name,
        "programme": PROGRAMMES[reading.language].get(event.programme, event.programme),
        "recipients": _recipients(event, reading),
        "region": event.region,
        "when": moment(event.occurred_at, reading.language),
    }
    if reading.businesses:
        told["business"] = listed(reading.businesses, LENGTH_MAX["business"], reading.language)
    if isinstance(event, DistributionVoided):
        told["reason"] = event.reason
    return told


@_facts.register
def _(event: StockReceived, reading: Reading) -> Values:
    return {
        "goods": _goods(event.lines, reading),
        "giver": _giver(reading, event.region),
        "number": event.number,
        "origin": ORIGINS[reading.language].get(event.origin, event.origin),
        "place": event.place,
        "when": moment(event.occurred_at, reading.language),
    }


@_facts.register
def _(event: StockRestated, reading: Reading) -> Values:
    changes = [f"{card.item} {_signed(card.change, reading.language)}" for card in event.cards]
    return {
        "changes": listed(changes, LENGTH_MAX["changes"], reading.language),
        "number": event.number,
        "place": event.cards[0].place,
        "when": moment(event.occurred_at, reading.language),
    }


@_facts.register
def _(event: TransferDispatched, reading: Reading) -> Values:
    return _transfer(event, event.lines, reading)


@_facts.register
def _(event: TransferReceived, reading: Reading) -> Values:
    rejected = goods(event.rejected, LENGTH_MAX["rejected"], reading.language)
    return {**_transfer(event, event.accepted, reading), "rejected": rejected or NONE[reading.language]}


@_facts.register(ProductionOffered)
@_facts.register(ProductionTakenBack)
@_facts.register(ProductionPaid)
@_facts.register(ProductionDelivered)
def _(event: ProductionEvent, reading: Reading) -> Values:
    language = reading.language
    told = {
        "order": _ordered(event, event.quantity, "order", reading),
        "price": rupiah(event.price_rupiah, language),
        "due_on": day(event.due_on, language),
        "place": event.place_name,
        "giver": _giver(reading, event.place_region),
    }
    if reading.businesses:
        told["business"] = listed(reading.businesses, LENGTH_MAX["business"], language)
    match event:
        case ProductionOffered():
            told["answer_by"] = moment(event.answer_by, language)
        case ProductionTakenBack():
            told["reason"] = event.reason
            told["released"] = _ordered(event, event.released, "released", reading)
        case ProductionPaid():
            told["amount"] = rupiah(event.amount_rupiah, language)
            told["balance"] = rupiah(event.balance_rupiah, language)
            told["reference"] = event.reference
            told["when"] = moment(event.paid_at, language)
        case ProductionDelivered():
            told["goods"] = _goods(event.lines, reading)
            told["number"] = event.number or NONE[language]
            told["rejected"] = figure(event.rejected, language)
            told["when"] = moment(event.occurred_at, language)
    return told


def _ordered(event: ProductionEvent, quantity: int, name: str, reading: Reading) -> str:
    line = Goods(item=event.item, item_name=event.item_name, unit=event.unit, quantity=quantity)
    return goods([line], LENGTH_MAX[name], reading.language)


@_facts.register(StationDry)
@_facts.register(StationBroken)
@_facts.register(StationReported)
def _(event: StationDry | StationBroken | StationReported, reading: Reading) -> Values:
    told = {"station": event.name, "site": event.site_name, "when": moment(event.occurred_at, reading.language)}
    if isinstance(event, StationReported):
        told["problem"] = PROBLEMS[reading.language].get(event.problem, event.problem)
    return told


@_facts.register(MarketAnnounced)
@_facts.register(MarketCancelled)
def _(event: MarketAnnounced | MarketCancelled, reading: Reading) -> Values:
    told = {
        "giver": _giver(reading, event.region),
        "number": event.number,
        "offers": listed([_offer(one, reading) for one in event.offers], LENGTH_MAX["offers"], reading.language),
        "place": event.place_name,
        "region": event.region,
        "until": moment(event.closes_at, reading.language),
        "when": moment(event.opens_at, reading.language),
    }
    return told | {"reason": event.reason} if isinstance(event, MarketCancelled) else told


def _offer(offer: MarketOffer, reading: Reading) -> str:
    return f"{offer.item_name} {rupiah(offer.price_rupiah, reading.language)}"


@_facts.register(KitsReserved)
@_facts.register(KitsRefused)
@_facts.register(KitsReleased)
def _(event: KitsEvent, reading: Reading) -> Values:
    language = reading.language
    told = {
        "training": event.title,
        "starts_on": day(event.starts_on, language),
        "region": event.region,
        "place": event.place_name,
    }
    match event:
        case KitsReserved():
            told["goods"] = _goods(event.lines, reading)
            told["number"] = event.number
            told["until"] = moment(event.expires_at, language)
        case KitsRefused():
            told["because"] = REFUSED[language].get(event.because, event.because)
            told["shortages"] = _shortages(event.shortages, reading)
            told["elsewhere"] = _elsewhere(event.shortages, reading)
        case KitsReleased():
            told["number"] = event.number
            told["reason"] = KEPT_TOO_LONG[language] if event.because == "expired" else event.reason
    return told


def _shortages(shortages: Sequence[KitShortage], reading: Reading) -> str:
    """Say how much is lacking of what."""
    lacking = [
        f"{quantity(one.asked - one.available, one.unit, reading.language)} {one.item_name}" for one in shortages
    ]
    return listed(lacking, LENGTH_MAX["shortages"], reading.language) or NONE[reading.language]


def _elsewhere(shortages: Sequence[KitShortage], reading: Reading) -> str:
    """Name the places of the reader's regions that have some of it, those with the most of the first item first.

    Of the stock of other regions it is only said that there is some.
    """
    places = [place for one in shortages for place in one.elsewhere]
    named = dict.fromkeys(
        f"{place.place} ({figure(place.available, reading.language)})"
        for place in places
        if sees(reading.regions, place.region)
    )
    others = OTHER_REGIONS if places else NONE
    return listed(list(named), LENGTH_MAX["elsewhere"], reading.language) or others[reading.language]


@_facts.register(SeatOffered)
@_facts.register(SeatAccepted)
@_facts.register(SeatExpired)
@_facts.register(SeatWaitlisted)
@_facts.register(SeatWithdrawn)
def _(event: SeatEvent, reading: Reading) -> Values:
    told = {
        "training": event.title,
        "starts_on": day(event.starts_on, reading.language),
        "venue": event.venue,
        "giver": _giver(reading, event.region),
        **_own(reading),
    }
    if isinstance(event, SeatOffered):
        told["answer_by"] = moment(event.answer_by, reading.language)
    if isinstance(event, SeatWithdrawn):
        told["reason"] = event.reason
    return told


@_facts.register
def _(event: TrainingMoved, reading: Reading) -> Values:
    return {
        "training": event.title,
        "session": figure(event.session, reading.language),
        "change": _change(event, reading.language),
        "venue": event.venue,
        "reason": event.reason,
        "giver": _giver(reading, event.region),
    }


def _change(event: TrainingMoved, language: Language) -> str:
    """Say what becomes of a session: another day, the same day elsewhere, or nothing at all."""
    was_on = day(event.was_on, language)
    moved, stays, off = CHANGES[language]
    if event.held_on is None:
        return off.format(was_on=was_on)
    held_on = day(event.held_on, language)
    return (stays if event.held_on == event.was_on else moved).format(was_on=was_on, held_on=held_on)


@_facts.register
def _(event: TrainingCancelled, reading: Reading) -> Values:
    return {
        "training": event.title,
        "starts_on": day(event.starts_on, reading.language),
        "region": event.region,
        "reason": event.reason,
        "giver": _giver(reading, event.region),
    }


@_facts.register(CertificateIssued)
@_facts.register(CertificateRevoked)
def _(event: CertificateEvent, reading: Reading) -> Values:
    told = {"training": event.title, "number": event.number, "giver": _giver(reading, event.region), **_own(reading)}
    return told | {"reason": event.reason} if isinstance(event, CertificateRevoked) else told


def _own(reading: Reading) -> Values:
    businesses = listed(reading.businesses, LENGTH_MAX["business"], reading.language)
    return {"business": businesses} if businesses else {}


@_facts.register
def _(event: PriceAlert, reading: Reading) -> Values:
    return {
        "ceiling": rupiah(event.ceiling_rupiah, reading.language),
        "giver": _giver(reading, event.region),
        "item": event.item_name,
        "place": event.place_name,
        "price": rupiah(event.price_rupiah, reading.language),
        "region": event.region,
        "unit": UNITS[reading.language].get(event.unit, event.unit),
        "when": moment(event.observed_at, reading.language),
    }


@_facts.register
def _(event: AlertRaised, reading: Reading) -> Values:
    on = day(event.due_on, reading.language) if event.due_on else NONE[reading.language]
    return {
        "found": figure(event.figure or 0, reading.language),
        "when": on,
        "expires_on": on,
        "place": event.place_name or NONE[reading.language],
        "item": event.item_name or NONE[reading.language],
        "lot": event.lot or NONE[reading.language],
        "on_hand": quantity(event.figure or 0, event.unit or "", reading.language),
    }


@_facts.register(StockLow)
@_facts.register(StockOut)
def _(event: StockLow | StockOut, reading: Reading) -> Values:
    return {
        **_alert(event, reading),
        "low_at": quantity(event.low_at, event.unit, reading.language),
        "left_out": quantity(event.expired + event.held, event.unit, reading.language),
    }


@_facts.register
def _(event: StockExpiring, reading: Reading) -> Values:
    return {**_alert(event, reading), "lot": event.lot, "expires_on": day(event.expires_on, reading.language)}


@_facts.register(ExceptionOpened)
@_facts.register(ExceptionOverdue)
@_facts.register(ExceptionChanged)
def _(event: ExceptionOpened | ExceptionOverdue | ExceptionChanged, reading: Reading) -> Values:
    return {
        "why": _against(event, reading),
        "place": event.place_name,
        "until": moment(event.due_at, reading.language),
        "when": moment(event.occurred_at, reading.language),
    }


def _against(event: ExceptionOpened | ExceptionOverdue | ExceptionChanged, reading: Reading) -> str:
    """Say what stands against what has happened: the goods that are short, or the rule that it breaks."""
    indonesian = reading.language is Language.INDONESIAN
    if event.refusal == SHORT:
        short = _goods(event.short, reading)
        return f"stok kurang {short}" if indonesian else f"{short} short"
    if (said := RULES.get(event.refusal)) is None:
        return f"ditolak oleh aturan {event.refusal}" if indonesian else f"refused by the rule {event.refusal}"
    return said[reading.language]


def _alert(event: StockAlert, reading: Reading) -> Values:
    return {
        "place": event.place_name,
        "item": event.item_name,
        "on_hand": quantity(event.on_hand, event.unit, reading.language),
    }


def _transfer(event: TransferDispatched | TransferReceived, lines: list[Goods], reading: Reading) -> Values:
    return {
        "goods": _goods(lines, reading),
        "number": event.number,
        "from_place": event.from_place,
        "to_place": event.to_place,
        "when": moment(event.occurred_at, reading.language),
    }


def _goods(lines: list[Goods], reading: Reading) -> str:
    return goods(lines, LENGTH_MAX["goods"], reading.language) or NONE[reading.language]


def _signed(number: int, language: Language) -> str:
    return f"+{figure(number, language)}" if number > 0 else figure(number, language)


def _giver(reading: Reading, region: str) -> str:
    """Say from whom: the person by name where the office has registered them, and always the office."""
    office = {Language.INDONESIAN: "petugas wilayah", Language.ENGLISH: "the office of"}[reading.language]
    if reading.giver is None:
        return f"{office} {region}"
    name = shortened(reading.giver, LENGTH_MAX["giver"] - len(f" ({region})"))
    return f"{name} ({region})"


def _recipients(event: DistributionPosted | DistributionVoided, reading: Reading) -> str:
    people, firms, both = {
        Language.INDONESIAN: ("orang umum", "usaha", "dan"),
        Language.ENGLISH: ("of the public", "businesses", "and"),
    }[reading.language]
    parts = [f"{figure(event.public_heads, reading.language)} {people}"] if event.public_heads else []
    if event.businesses:
        parts.append(f"{figure(len(event.businesses), reading.language)} {firms}")
    return f" {both} ".join(parts)
