"""Parked exceptions, returns, loans and packs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0012"
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


def downgrade() -> None:
    op.drop_constraint("distribution_batch_counts", "distribution_batch", type_="check")
    op.drop_column("distribution_batch", "parked")
    op.create_check_constraint("distribution_batch_counts", "distribution_batch", BATCH_COUNTS)
    op.drop_index("transfer_on_its_way", "transfer")
    op.drop_table("stock_exception")
