"""Parked exceptions, returns, loans and packs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BATCH_COUNTS = "posted >= 0 AND duplicates >= 0 AND refused >= 0"
STATE = (
    "(state = 'open' AND closed_at IS NULL AND closed_by IS NULL AND posting_id IS NULL AND number IS NULL"
    " AND drop_reason IS NULL) OR"
    " (state = 'applied' AND closed_at IS NOT NULL AND closed_by IS NOT NULL AND posting_id IS NOT NULL"
    " AND number IS NOT NULL AND drop_reason IS NULL) OR"
    " (state = 'dropped' AND closed_at IS NOT NULL AND closed_by IS NOT NULL AND posting_id IS NULL"
    " AND number IS NULL AND drop_reason IS NOT NULL)"
)


def upgrade() -> None:
    _exceptions()
    _returns()
    _loans()
    _packs()


def _exceptions() -> None:
    op.create_table(
        "stock_exception",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked", postgresql.JSONB(), nullable=False),
        sa.Column("context", postgresql.JSONB(), nullable=False),
        sa.Column("cards", postgresql.JSONB(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("overdue_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_refusal", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("posting_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("drop_reason", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("kind ~ '^[a-z][a-z_]{0,39}$'", name="stock_exception_kind_form"),
        sa.CheckConstraint("owner <> ''", name="stock_exception_has_owner"),
        sa.CheckConstraint("due_at >= opened_at", name="stock_exception_due_after_opened"),
        sa.CheckConstraint("occurred_at <= opened_at", name="stock_exception_has_happened"),
        sa.CheckConstraint("jsonb_array_length(cards) > 0", name="stock_exception_is_short_of_something"),
        sa.CheckConstraint("attempts > 0 AND last_attempt_at >= opened_at", name="stock_exception_attempts"),
        sa.CheckConstraint("overdue_told_at >= due_at", name="stock_exception_told_when_overdue"),
        sa.CheckConstraint("(entry_id IS NULL) = (digest IS NULL)", name="stock_exception_entry_has_digest"),
        sa.CheckConstraint(STATE, name="stock_exception_state"),
        sa.ForeignKeyConstraint(["place"], ["place.code"]),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("posting_id"),
        sa.UniqueConstraint("kind", "entry_id", name="stock_exception_once_for_entry"),
    )
    op.create_index("stock_exception_by_region", "stock_exception", ["region", "state", "due_at", "id"])
    op.create_index("stock_exception_by_due", "stock_exception", ["state", "due_at", "id"])
    op.create_index("transfer_on_its_way", "transfer", ["to_place"], postgresql_where=sa.text("state = 'in_transit'"))
    op.add_column("distribution_batch", sa.Column("parked", sa.Integer(), server_default="0", nullable=False))
    op.drop_constraint("distribution_batch_counts", "distribution_batch", type_="check")
    op.create_check_constraint("distribution_batch_counts", "distribution_batch", f"{BATCH_COUNTS} AND parked >= 0")


def _returns() -> None:
    op.create_table(
        "posting_returned",
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("returned BETWEEN 1 AND moved", name="posting_returned_within_moved"),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.PrimaryKeyConstraint("posting_id", "item", "lot"),
    )
    op.create_table(
        "stock_return",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("returns", sa.Uuid(), nullable=True),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.CheckConstraint(
            "direction IN ('from_public', 'to_supplier', 'to_donor')", name="stock_return_direction_known"
        ),
        sa.CheckConstraint("returns <> posting_id", name="stock_return_of_another_posting"),
        sa.ForeignKeyConstraint(["place"], ["place.code"]),
        sa.ForeignKeyConstraint(["returns"], ["posting.id"]),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("posting_id"),
    )
    op.create_index("stock_return_by_region", "stock_return", ["region", "occurred_at", "id"])
    op.create_index("stock_return_of_posting", "stock_return", ["returns"])


def _loans() -> None:
    op.create_table(
        "loan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("borrower_name", sa.String(), nullable=True),
        sa.Column("business_id", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(borrower_name IS NULL) <> (business_id IS NULL)", name="loan_has_one_borrower"),
        sa.CheckConstraint("state IN ('open', 'returned')", name="loan_state_known"),
        sa.CheckConstraint("(state = 'returned') = (closed_at IS NOT NULL)", name="loan_closed_when_returned"),
        sa.CheckConstraint("due_on >= (occurred_at AT TIME ZONE INTERVAL '7 hours')::date", name="loan_due_after_lent"),
        sa.ForeignKeyConstraint(["place"], ["place.code"]),
        sa.ForeignKeyConstraint(["business_id"], ["known_business.id"]),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("posting_id"),
    )
    op.create_index("loan_by_region", "loan", ["region", "state", "due_on", "id"])
    op.create_index("loan_by_due", "loan", ["state", "due_on", "id"])
    op.create_table(
        "loan_line",
        sa.Column("loan_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lost", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000000000", name="loan_line_quantity"),
        sa.CheckConstraint("returned >= 0 AND lost >= 0 AND returned + lost <= quantity", name="loan_line_adds_up"),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"]),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.PrimaryKeyConstraint("loan_id", "line_no"),
    )
    op.create_table(
        "loan_return",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("loan_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["loan_id"], ["loan.id"]),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("posting_id"),
    )
    op.create_index("loan_return_of_loan", "loan_return", ["loan_id", "occurred_at", "id"])


def _packs() -> None:
    op.create_table(
        "item_pack",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 2 AND 1000000000000", name="item_pack_holds_several"),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.PrimaryKeyConstraint("item", "code"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("item", "code", "quantity", name="item_pack_with_quantity"),
    )
    op.create_table(
        "posting_pack",
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("entry_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.Column("packs", sa.BigInteger(), nullable=False),
        sa.Column("per_pack", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("packs >= 0 AND quantity = packs * per_pack", name="posting_pack_adds_up"),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.ForeignKeyConstraint(
            ["item", "pack", "per_pack"],
            ["item_pack.item", "item_pack.code", "item_pack.quantity"],
            name="posting_pack_keeps_its_units",
        ),
        sa.PrimaryKeyConstraint("posting_id", "entry_no"),
    )
    op.execute(
        "CREATE TRIGGER posting_pack_append_only BEFORE UPDATE OR DELETE ON posting_pack"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER posting_pack_no_truncate BEFORE TRUNCATE ON posting_pack"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table in ("posting_pack", "item_pack", "loan_return", "loan_line", "loan", "stock_return", "posting_returned"):
        op.drop_table(table)
    op.drop_constraint("distribution_batch_counts", "distribution_batch", type_="check")
    op.drop_column("distribution_batch", "parked")
    op.create_check_constraint("distribution_batch_counts", "distribution_batch", BATCH_COUNTS)
    op.drop_index("transfer_on_its_way", "transfer")
    op.drop_table("stock_exception")
