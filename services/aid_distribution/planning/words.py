"""A line of a plan explained in words, Indonesian and English: the need and its origin, the weight, the cut."""

from collections.abc import Sequence

import msgspec

from services.aid_distribution.planning.domain import PERMILLE, Cut, cut_because, weight_permille
from services.aid_distribution.planning.store import AllocationLineRow, AllocationOverrideRow, AllocationPlanRow


class Words(msgspec.Struct, frozen=True):
    """The same in both languages."""

    id: str
    en: str


def explained(
    plan: AllocationPlanRow, line: AllocationLineRow, needed: int, overrides: Sequence[AllocationOverrideRow]
) -> Words:
    """Explain what a line gives and why; `needed` is what all regions of the plan need."""
    parts = [_need(plan, line), _weight(line), _outcome(plan, line, needed)]
    parts += [_override(one) for one in overrides[-1:]]
    return Words(" ".join(part.id for part in parts), " ".join(part.en for part in parts))


def _need(plan: AllocationPlanRow, line: AllocationLineRow) -> Words:
    if not line.derived:
        return Words(f"Kebutuhan {_n(line.need)} sebagaimana diajukan.", f"Need {_n_en(line.need)}, as told.")
    people = line.population or 0
    id_ = f"Kebutuhan {_n(plan.per_thousand or 0)} per 1.000 jiwa x {_n(people)} jiwa = {_n(line.gross_need)}"
    en = f"Need {_n_en(plan.per_thousand or 0)} per 1,000 people x {_n_en(people)} people = {_n_en(line.gross_need)}"
    if since := plan.received_since:
        id_ += f", dikurangi {_n(line.received)} yang sudah diterima atau dalam perjalanan sejak {since:%d-%m-%Y}"
        en += f", less {_n_en(line.received)} received or on its way since {since}"
        id_, en = f"{id_} = {_n(line.need)}", f"{en} = {_n_en(line.need)}"
    return Words(f"{id_}.", f"{en}.")


def _weight(line: AllocationLineRow) -> Words:
    decline, pressure = line.decline_permille, line.pressure_permille
    weight = weight_permille(decline, pressure)
    id_, en = "", ""
    if answers := line.decline_answers:
        id_, en = f" menurut {_n(answers)} jawaban survei", f" by {_n_en(answers)} answers to surveys"
    return Words(
        f"Bobot {_ratio(weight)} (penurunan usaha {_percent(decline)}{id_}, tekanan harga {_percent(pressure)}).",
        f"Weight {_ratio_en(weight)} (decline of business {_percent_en(decline)}{en}, pressure of prices"
        f" {_percent_en(pressure)}).",
    )


def _outcome(plan: AllocationPlanRow, line: AllocationLineRow, needed: int) -> Words:
    fair = line.fair_quantity
    match cut_because(line.need, fair, fair):
        case Cut.NO_NEED:
            return Words("Tidak ada kebutuhan lagi.", "Nothing is needed any more.")
        case Cut.NONE:
            return Words(f"Dipenuhi seluruhnya: {_n(fair)}.", f"Met in full: {_n_en(fair)}.")
        case _:
            part = fair * PERMILLE // line.need
            return Words(
                f"Mendapat {_n(fair)} ({_percent(part)}): persediaan {_n(plan.supply)} tidak cukup untuk seluruh"
                f" kebutuhan {_n(needed)}, dan semua yang belum terpenuhi dikurangi sama rata menurut bobot.",
                f"Given {_n_en(fair)} ({_percent_en(part)}): the supply of {_n_en(plan.supply)} does not meet all needs"
                f" of {_n_en(needed)}, and all that are not met are cut alike by weight.",
            )


def _override(one: AllocationOverrideRow) -> Words:
    return Words(
        f"Diubah oleh {one.actor} dari {_n(one.from_quantity)} menjadi {_n(one.to_quantity)}: {one.reason}",
        f"Changed by {one.actor} from {_n_en(one.from_quantity)} to {_n_en(one.to_quantity)}: {one.reason}",
    )


def _n(number: int) -> str:
    return _n_en(number).replace(",", ".")


def _n_en(number: int) -> str:
    return f"{number:,}"


def _ratio(permille: int) -> str:
    return _ratio_en(permille).replace(".", ",")


def _ratio_en(permille: int) -> str:
    return f"{permille // PERMILLE}.{permille % PERMILLE:03d}"


def _percent(permille: int) -> str:
    return f"{permille // 10},{permille % 10}%"


def _percent_en(permille: int) -> str:
    return f"{permille // 10}.{permille % 10}%"
