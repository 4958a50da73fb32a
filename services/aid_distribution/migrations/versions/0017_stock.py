"""What alerts and plans leave out, the day on which promised goods are wanted, and returns and loans taken back."""

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
VOIDED = ("stock_return", "loan", "loan_return")
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
    op.add_column("reservation", sa.Column("called_off", sa.Text(), nullable=True))
    op.create_check_constraint(
        "reservation_called_off_of_a_training", "reservation", "called_off IS NULL OR training_id IS NOT NULL"
    )
    # Those that hold nothing now; what still does is released with its time, as it was to be.
    op.execute(
        "UPDATE reservation r SET called_off = coalesce(r.reason, 'cancelled') FROM training_kits k"
        " WHERE k.reservation_id = r.id AND k.state = 'cancelled' AND r.state <> 'open'"
    )
    for table in VOIDED:
        _voided(table)
    op.drop_constraint("loan_state_known", "loan", type_="check")
    op.create_check_constraint("loan_state_known", "loan", "state IN ('open', 'returned', 'voided')")
    op.create_check_constraint("loan_voided_by_posting", "loan", "(state = 'voided') = (void_posting_id IS NOT NULL)")


def _voided(table: str) -> None:
    op.add_column(table, sa.Column("void_posting_id", sa.Uuid(), nullable=True))
    op.add_column(table, sa.Column("void_reason", sa.String(), nullable=True))
    op.create_foreign_key(f"{table}_void_posting_id_fkey", table, "posting", ["void_posting_id"], ["id"])
    op.create_unique_constraint(f"{table}_void_posting_id_key", table, ["void_posting_id"])
    op.create_check_constraint(f"{table}_void_has_reason", table, "(void_posting_id IS NULL) = (void_reason IS NULL)")


def downgrade() -> None:
    op.drop_constraint("loan_voided_by_posting", "loan", type_="check")
    op.drop_constraint("loan_state_known", "loan", type_="check")
    op.create_check_constraint("loan_state_known", "loan", "state IN ('open', 'returned')")
    for table in reversed(VOIDED):
        op.drop_constraint(f"{table}_void_has_reason", table, type_="check")
        op.drop_column(table, "void_reason")
        op.drop_column(table, "void_posting_id")
    op.drop_constraint("reservation_called_off_of_a_training", "reservation", type_="check")
    op.drop_column("reservation", "called_off")
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
