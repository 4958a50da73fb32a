"""Levels of stock, and alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stock_level",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("low_at", sa.BigInteger(), nullable=False),
        sa.Column("ok_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_within_days", sa.Integer(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("low_at >= 0", name="stock_level_low_not_negative"),
        sa.CheckConstraint("ok_at > low_at", name="stock_level_ok_above_low"),
        sa.CheckConstraint("ok_at <= 1000000000000", name="stock_level_ok_countable"),
        sa.CheckConstraint("expires_within_days BETWEEN 1 AND 3650", name="stock_level_expires_within_days"),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.ForeignKeyConstraint(["place"], ["place.code"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("place", "item", name="stock_level_once"),
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("lot", sa.Text(), nullable=True),
        sa.Column("figure", sa.BigInteger(), nullable=True),
        sa.Column("threshold", sa.BigInteger(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind ~ '^[a-z][a-z_]{0,39}$'", name="alert_kind_form"),
        sa.CheckConstraint("length(subject) BETWEEN 1 AND 200", name="alert_subject_length"),
        sa.CheckConstraint("cleared_at >= raised_at", name="alert_cleared_after_raised"),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.ForeignKeyConstraint(["place"], ["place.code"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "alert_open_once", "alert", ["kind", "subject"], unique=True, postgresql_where=sa.text("cleared_at IS NULL")
    )
    op.create_index("alert_by_region", "alert", ["region", "raised_at", "id"])
    op.create_index("alert_by_time", "alert", ["raised_at", "id"])


def downgrade() -> None:
    op.drop_table("alert")
    op.drop_table("stock_level")
