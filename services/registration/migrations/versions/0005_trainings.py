"""Trainings with their days, and the kits that they need."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "training",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("announced_by", sa.Text(), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("kits_state", sa.Text(), nullable=False),
        sa.Column("kits_place", sa.Text(), nullable=True),
        sa.Column("kits_reservation_id", sa.Uuid(), nullable=True),
        sa.Column("kits_number", sa.Text(), nullable=True),
        sa.Column("kits_because", sa.Text(), nullable=True),
        sa.Column("kits_shortages", JSONB(none_as_null=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("state IN ('announced', 'cancelled')", name="training_state_known"),
        sa.CheckConstraint(
            "kits_state IN ('none', 'asked', 'reserved', 'refused', 'released')", name="training_kits_state_known"
        ),
        sa.CheckConstraint("seats BETWEEN 1 AND 10000", name="training_seats"),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancelled_at IS NOT NULL) AND (cancelled_at IS NULL) = (reason IS NULL)",
            name="training_cancelled_with_reason",
        ),
        sa.CheckConstraint("(kits_state = 'none') = (kits_place IS NULL)", name="training_kits_have_a_place"),
        sa.CheckConstraint(
            "kits_state <> 'reserved' OR (kits_reservation_id IS NOT NULL AND kits_number IS NOT NULL)",
            name="training_kits_reserved_by_number",
        ),
        sa.CheckConstraint(
            "(kits_state = 'refused') = (kits_because IS NOT NULL AND kits_shortages IS NOT NULL)",
            name="training_kits_refused_for_a_reason",
        ),
        sa.CheckConstraint("starts_on <= ends_on", name="training_days_ascend"),
        sa.ForeignKeyConstraint(["region"], ["region.code"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("training_by_region", "training", ["region", "starts_on", "id"])
    op.create_index("training_by_start", "training", ["starts_on", "id"])
    op.create_table(
        "training_session",
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["training_id"], ["training.id"]),
        sa.PrimaryKeyConstraint("training_id", "no"),
        sa.UniqueConstraint("training_id", "held_on", name="training_session_one_a_day"),
    )
    op.create_table(
        "training_kit",
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000", name="training_kit_quantity"),
        sa.ForeignKeyConstraint(["training_id"], ["training.id"]),
        sa.PrimaryKeyConstraint("training_id", "item"),
    )


def downgrade() -> None:
    for table in ("training_kit", "training_session", "training"):
        op.drop_table(table)
