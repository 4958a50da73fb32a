"""Rounds of coupons, by which a distribution names households."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coupon_round",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("coupons_max", sa.Integer(), nullable=False),
        sa.Column("issued", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("coupons_max BETWEEN 1 AND 1000000", name="coupon_round_size"),
        sa.CheckConstraint(
            "programme IN ('free-masks', 'handwashing', 'cheap-market', 'training')",
            name="coupon_round_programme_known",
        ),
        sa.CheckConstraint("issued BETWEEN 0 AND coupons_max", name="coupon_round_issued_within_size"),
        sa.CheckConstraint(
            "state IN ('open', 'closed') AND (state = 'closed') = (closed_at IS NOT NULL)", name="coupon_round_state"
        ),
        sa.CheckConstraint("closed_at >= opened_at", name="coupon_round_closed_later"),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.ForeignKeyConstraint(["place"], ["place.code"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("item"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("coupon_round_by_region", "coupon_round", ["region", "opened_at", "id"])
    op.create_table(
        "household_coupon",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("household", sa.String(), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("distribution_id", sa.Uuid(), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("serial > 0", name="household_coupon_serial"),
        sa.CheckConstraint("household ~ '^[A-Za-z0-9_-]{16,64}$'", name="household_coupon_household_form"),
        sa.CheckConstraint("(distribution_id IS NULL) = (used_at IS NULL)", name="household_coupon_used_at_a_moment"),
        sa.CheckConstraint("used_at >= issued_at", name="household_coupon_used_after_it_was_given"),
        sa.ForeignKeyConstraint(["distribution_id"], ["distribution.id"]),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.ForeignKeyConstraint(["round_id"], ["coupon_round.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("round_id", "household", name="household_coupon_one_for_a_household"),
        sa.UniqueConstraint("round_id", "serial", name="household_coupon_serial_once"),
    )
    op.create_index(
        "household_coupon_of_distribution",
        "household_coupon",
        ["distribution_id"],
        postgresql_where=sa.text("distribution_id IS NOT NULL"),
    )
    op.create_table(
        "coupon_series",
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("last > 0", name="coupon_series_last_positive"),
        sa.PrimaryKeyConstraint("office", "month"),
    )
    op.add_column("distribution", sa.Column("households", sa.Integer(), server_default="0", nullable=False))
    op.add_column("distribution", sa.Column("coupon_posting_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "distribution_coupon_posting_id_fkey", "distribution", "posting", ["coupon_posting_id"], ["id"]
    )
    op.create_unique_constraint("distribution_coupon_posting_id_key", "distribution", ["coupon_posting_id"])
    op.create_check_constraint("distribution_households", "distribution", "households BETWEEN 0 AND public_heads")
    op.create_check_constraint(
        "distribution_households_by_posting", "distribution", "(households = 0) = (coupon_posting_id IS NULL)"
    )


def downgrade() -> None:
    for name in ("distribution_households_by_posting", "distribution_households"):
        op.drop_constraint(name, "distribution", type_="check")
    op.drop_constraint("distribution_coupon_posting_id_key", "distribution", type_="unique")
    op.drop_constraint("distribution_coupon_posting_id_fkey", "distribution", type_="foreignkey")
    op.drop_column("distribution", "coupon_posting_id")
    op.drop_column("distribution", "households")
    op.drop_table("coupon_series")
    op.drop_table("household_coupon")
    op.drop_table("coupon_round")
