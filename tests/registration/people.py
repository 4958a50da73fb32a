"""Who asks in these tests, and what they tell."""

from uuid import UUID

from services.registration.businesses.domain import BusinessData, Kbli, OwnerData
from shared.caller import Caller, Role

OFFICE = Caller("staff-1", Role.PROVINCE_STAFF, ("19",), "request-1", "")
PANGKALPINANG = Caller("officer-19.71", Role.REGENCY_OFFICER, ("19.71",), "request-2", "")
BELITUNG = Caller("officer-19.02", Role.REGENCY_OFFICER, ("19.02",), "request-3", "")
AUDITOR = Caller("auditor-1", Role.AUDITOR, ("19",), "request-4", "")

TURNOVER = Caller("turnover-1", Role.TURNOVER_READER, ("19",), "request-6", "")

NIK = "1971015203789901"
SITI = OwnerData(name="Siti Aminah", nik=NIK, phone="0834-0000-0101", email="siti@contoh.example")
TAILOR = BusinessData(
    name="Konveksi Bersama",
    sector="garment",
    region="19.71",
    kbli=Kbli("14111", 2020),
    workers=4,
    investment_rupiah=40_000_000,
    annual_sales_rupiah=200_000_000,
)


def owner(owner_id: UUID) -> Caller:
    """Give the owner of this id as a caller."""
    return Caller(str(owner_id), Role.OWNER, (), "request-5", "")


def registration(**changes: object) -> dict[str, object]:
    """Give the body of a registration that is right in everything."""
    return {
        "name": "Konveksi Bersama",
        "sector": "garment",
        "region": "19.71",
        "kbli": {"code": "14111", "edition": 2020},
        "nib": "0220000000099",
        "workers": 4,
        "investment_rupiah": 40_000_000,
        "annual_sales_rupiah": 200_000_000,
        "annual_sales_on": "2020-08-31",
        "address": "Jalan Mayor Syafrie Rachman 12",
        "document": "REG/2020/09/001",
        "owner": {
            "name": "Siti Aminah",
            "nik": "1971015203789901",
            "phone": "0834-0000-0101",
            "email": "siti@contoh.example",
            "language": "id",
        },
    } | changes
