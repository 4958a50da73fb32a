"""What alerts and plans leave out of their count, and the day on which promised goods are wanted."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None

WHY = "why IN ('expired', 'held'{}, 'expiring')"
WANTED = (
    "wanted_on BETWEEN (reserved_at AT TIME ZONE INTERVAL '7 hours')::date"
    " AND (expires_at AT TIME ZONE INTERVAL '7 hours')::date"
)
LEFT_OUT = ("expiring", "expired", "held")


def upgrade() -> None:
    for name in LEFT_OUT:
        op.add_column("alert", sa.Column(name, sa.BigInteger(), nullable=True))
        op.add_column("allocation_plan", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    not_negative = "expiring >= 0 AND expired >= 0 AND held >= 0"
    op.create_check_constraint("alert_left_out_not_negative", "alert", not_negative)
    op.create_check_constraint("allocation_plan_left_out_not_negative", "allocation_plan", not_negative)
    op.add_column("reservation", sa.Column("wanted_on", sa.Date(), nullable=True))
    op.create_check_constraint("reservation_wanted_while_it_holds", "reservation", WANTED)
    op.drop_constraint("lot_note_why_known", "lot_note", type_="check")
    op.create_check_constraint("lot_note_why_known", "lot_note", WHY.format(", 'expires_before'"))


def downgrade() -> None:
    op.drop_constraint("lot_note_why_known", "lot_note", type_="check")
    op.execute("UPDATE lot_note SET why = 'expired' WHERE why = 'expires_before'")
    op.create_check_constraint("lot_note_why_known", "lot_note", WHY.format(""))
    op.drop_constraint("reservation_wanted_while_it_holds", "reservation", type_="check")
    op.drop_column("reservation", "wanted_on")
    op.drop_constraint("allocation_plan_left_out_not_negative", "allocation_plan", type_="check")
    op.drop_constraint("alert_left_out_not_negative", "alert", type_="check")
    for name in reversed(LEFT_OUT):
        op.drop_column("allocation_plan", name)
        op.drop_column("alert", name)
