"""What the ledger's codes are called on papers and pages: in Indonesian, and in English beneath it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from services.aid_distribution.ledger.catalogue import Unit
from services.aid_distribution.ledger.domain import Kind, Reason, Source, Virtual
from shared.clock import WIB


class Words(NamedTuple):
    """One thing in both languages."""

    indonesian: str
    english: str

    @property
    def both(self) -> str:
        """Give both in one line."""
        return f"{self.indonesian} / {self.english}"


KINDS: Mapping[str, Words] = {
    Kind.RECEIPT: Words("Penerimaan barang", "Goods received"),
    Kind.ISSUE: Words("Pengeluaran barang", "Goods issued"),
    Kind.DISTRIBUTION: Words("Penyaluran bantuan", "Aid handed out"),
    Kind.DISPATCH: Words("Pengiriman antartempat", "Transfer sent"),
    Kind.ARRIVAL: Words("Penerimaan antartempat", "Transfer received"),
    Kind.REVERSAL: Words("Pembatalan", "Reversal"),
    Kind.COUNT: Words("Stok opname", "Stock count"),
    Kind.RETURN: Words("Pengembalian barang", "Goods returned"),
    Kind.LOAN: Words("Peminjaman barang", "Goods lent"),
    Kind.LOAN_RETURN: Words("Pengembalian pinjaman", "Loan returned"),
    Kind.ASSEMBLY: Words("Perakitan paket", "Kits assembled"),
    Kind.UNPACKING: Words("Pembongkaran paket", "Kits unpacked"),
    Kind.RESERVATION: Words("Pencadangan stok", "Stock reserved"),
    Kind.RELEASE: Words("Pelepasan cadangan", "Reservation released"),
    Kind.PRODUCTION: Words("Penerimaan produksi", "Production received"),
    Kind.REFILL: Words("Pengisian ulang", "Refill"),
    Kind.COUPON: Words("Kupon", "Coupons"),
    Kind.SALE: Words("Penjualan", "Sale"),
}
UNITS: Mapping[str, Words] = {
    Unit.PIECE: Words("buah", "piece"),
    Unit.KG: Words("kg", "kg"),
    Unit.LITRE: Words("liter", "litre"),
    Unit.PACK: Words("kemasan", "pack"),
}
OUTSIDE: Mapping[str, Words] = {
    Virtual.SUPPLIER: Words("Pemasok", "Supplier"),
    Virtual.DONOR: Words("Donatur", "Donor"),
    Virtual.PRODUCTION: Words("Produksi IKM", "Production"),
    Virtual.PUBLIC: Words("Masyarakat", "The public"),
    Virtual.LOSS: Words("Rusak atau hilang", "Damaged or lost"),
    Virtual.ADJUSTMENT: Words("Penyesuaian", "Adjustment"),
    Virtual.IN_TRANSIT: Words("Dalam perjalanan", "In transit"),
    Virtual.ON_LOAN: Words("Dipinjamkan", "On loan"),
    Virtual.KITS: Words("Paket", "Kits"),
    Virtual.STATIONS: Words("Sarana cuci tangan", "Handwashing stations"),
    Virtual.COUPONS: Words("Kupon", "Coupons"),
}
REASONS: Mapping[str, Words] = {
    Reason.DAMAGED: Words("rusak", "damaged"),
    Reason.LOST: Words("hilang", "lost"),
    Reason.EXPIRED: Words("kedaluwarsa", "expired"),
    Reason.FOUND: Words("ditemukan", "found"),
    Reason.RECOUNT: Words("hitung ulang", "recount"),
    Reason.OTHER: Words("lain-lain", "other"),
    Source.SUPPLIER: Words("pemasok", "supplier"),
    Source.PRODUCTION: Words("produksi", "production"),
    Source.DONATION: Words("donasi", "donation"),
}
MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)


def words_of(code: str, known: Mapping[str, Words]) -> Words:
    """Give what a code is called; one that has no words yet stands for itself."""
    return known.get(code) or Words(code, code)


def day_in_words(day: date) -> str:
    """Write a day as it is written on Indonesian papers: `20 Mei 2026`."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def moment_in_words(moment: datetime) -> str:
    """Write a moment in local time: `20 Mei 2026, 12.00 WIB`."""
    local = moment.astimezone(WIB)
    return f"{day_in_words(local.date())}, {local:%H.%M} WIB"


def in_digits(number: int) -> str:
    """Write a whole number as it is written in Indonesia: `1.234`."""
    return f"{number:,}".replace(",", ".")
