"""More kinds of postings, and where their goods come from and go to outside all warehouses."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BEFORE = "'receipt', 'issue', 'distribution', 'transfer_dispatch', 'transfer_receipt', 'reversal'"
ADDED = (
    "'count', 'return', 'loan', 'loan_return', 'assembly', 'unpacking', 'reservation', 'release', 'production', "
    "'refill', 'coupon', 'sale'"
)
PLACES = "'warehouse', 'crowd_centre', 'market_venue', 'virtual'"
VIRTUAL_PLACES = {8: "ON-LOAN", 9: "KITS", 10: "STATIONS", 11: "COUPONS"}


def upgrade() -> None:
    kinds(f"{BEFORE}, {ADDED}")
    places(f"{PLACES}, 'reserved'")
    for number, code in VIRTUAL_PLACES.items():
        op.execute(
            sa.text(
                "INSERT INTO place (code, id, name, kind, region, created_at)"
                " VALUES (:code, :id, :code, 'virtual', '', '2020-01-01T00:00:00Z')"
            ).bindparams(code=code, id=UUID(int=number))
        )


def downgrade() -> None:
    for code in VIRTUAL_PLACES.values():
        op.execute(sa.text("DELETE FROM place WHERE kind = 'virtual' AND code = :code").bindparams(code=code))
    places(PLACES)
    kinds(BEFORE)


def kinds(known: str) -> None:
    op.drop_constraint("posting_kind_known", "posting", type_="check")
    op.create_check_constraint("posting_kind_known", "posting", f"kind IN ({known})")


def places(known: str) -> None:
    op.drop_constraint("place_kind_known", "place", type_="check")
    op.create_check_constraint("place_kind_known", "place", f"kind IN ({known})")
