"""Prices and their ceilings, cheap markets with coupons and sales, and what sellers claim."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "market_series",
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("last > 0", name="market_series_last_positive"),
        sa.PrimaryKeyConstraint("office", "month"),
    )
    op.create_table(
        "market",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seller", sa.Uuid(), nullable=True),
        sa.Column("coupon_item", sa.Text(), nullable=True),
        sa.Column("packages_max", sa.BigInteger(), nullable=False),
        sa.Column("packages_issued", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.String(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(model = 'subsidised_package') = (coupon_item IS NOT NULL)", name="market_coupons_of_model"
        ),
        sa.CheckConstraint("(state = 'cancelled') = (cancel_reason IS NOT NULL)", name="market_cancelled_has_reason"),
        sa.CheckConstraint("(state IN ('closed', 'settled')) = (closed_at IS NOT NULL)", name="market_closed"),
        sa.CheckConstraint("(state IN ('open', 'closed', 'settled')) = (opened_at IS NOT NULL)", name="market_opened"),
        sa.CheckConstraint("model IN ('subsidised_package', 'distributor_price')", name="market_model_known"),
        sa.CheckConstraint(
            "state IN ('announced', 'open', 'closed', 'cancelled', 'settled')", name="market_state_known"
        ),
        sa.CheckConstraint("closed_at >= opened_at", name="market_closed_after_opened"),
        sa.CheckConstraint("closes_at > opens_at", name="market_closes_after_it_opens"),
        sa.CheckConstraint("packages_issued BETWEEN 0 AND packages_max", name="market_packages_within_allotment"),
        sa.ForeignKeyConstraint(
            ["coupon_item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["place"],
            ["place.code"],
        ),
        sa.ForeignKeyConstraint(
            ["seller"],
            ["known_business.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("coupon_item"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("market_by_opening", "market", ["opened_at"], unique=False)
    op.create_index("market_by_region", "market", ["region", "opened_at"], unique=False)
    op.create_index("market_by_time", "market", ["opens_at", "id"], unique=False)
    op.create_table(
        "price_ceiling",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("price_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("source <> ''", name="price_ceiling_has_source"),
        sa.CheckConstraint("price_rupiah BETWEEN 1 AND 100000000", name="price_ceiling_price"),
        sa.CheckConstraint("superseded_at >= recorded_at", name="price_ceiling_superseded_later"),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"],
            ["price_ceiling.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("supersedes"),
    )
    op.create_index(
        "price_ceiling_counts",
        "price_ceiling",
        ["item", "region", "valid_from"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "price_observation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("observed_on", sa.Date(), nullable=False),
        sa.Column("price_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("unit_note", sa.String(), nullable=True),
        sa.Column("ceiling_rupiah", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ceiling_rupiah BETWEEN 1 AND 100000000", name="price_observation_ceiling"),
        sa.CheckConstraint("observed_at <= recorded_at", name="price_observation_not_in_the_future"),
        sa.CheckConstraint("price_rupiah BETWEEN 1 AND 100000000", name="price_observation_price"),
        sa.CheckConstraint("superseded_at >= recorded_at", name="price_observation_superseded_later"),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["place"],
            ["place.code"],
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"],
            ["price_observation.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("supersedes"),
    )
    op.create_index(
        "price_observation_by_day",
        "price_observation",
        ["item", "observed_on", "region", "price_rupiah"],
        unique=False,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_index(
        "price_observation_by_region",
        "price_observation",
        ["item", "region", "observed_on", "price_rupiah"],
        unique=False,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_index("price_observation_by_time", "price_observation", ["observed_at", "id"], unique=False)
    op.create_index(
        "price_observation_counts",
        "price_observation",
        ["place", "item", "observed_on"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "price_watch",
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("observed_on", sa.Date(), nullable=True),
        sa.Column("price_rupiah", sa.BigInteger(), nullable=True),
        sa.Column("ceiling_rupiah", sa.BigInteger(), nullable=True),
        sa.Column("above", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("above = (coalesce(price_rupiah > ceiling_rupiah, false))", name="price_watch_above"),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["place"],
            ["place.code"],
        ),
        sa.PrimaryKeyConstraint("place", "item"),
    )
    op.create_table(
        "market_claim",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("seller", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("computed_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("claimed_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("settled_rupiah", sa.BigInteger(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_by", sa.String(), nullable=True),
        sa.Column("payment_reference", sa.String(), nullable=True),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(state = 'paid') = (paid_at IS NOT NULL) AND (state = 'paid') = (payment_reference IS NOT NULL)",
            name="market_claim_paid",
        ),
        sa.CheckConstraint(
            "(state = 'submitted') = (settled_rupiah IS NULL) AND (state = 'submitted') = (decided_at IS NULL)",
            name="market_claim_decided",
        ),
        sa.CheckConstraint("state IN ('submitted', 'decided', 'paid')", name="market_claim_state_known"),
        sa.CheckConstraint("claimed_rupiah BETWEEN 0 AND computed_rupiah", name="market_claim_within_computed"),
        sa.CheckConstraint("settled_rupiah BETWEEN 0 AND claimed_rupiah", name="market_claim_settled_within_claimed"),
        sa.ForeignKeyConstraint(
            ["market_id"],
            ["market.id"],
        ),
        sa.ForeignKeyConstraint(
            ["seller"],
            ["known_business.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("market_id"),
    )
    op.create_table(
        "market_family",
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("limit_per_family", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("family ~ '^[A-Za-z0-9_-]{16,64}$'", name="market_family_form"),
        sa.CheckConstraint("quantity BETWEEN 1 AND limit_per_family", name="market_family_within_limit"),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["market_id"],
            ["market.id"],
        ),
        sa.PrimaryKeyConstraint("market_id", "family", "item"),
    )
    op.create_table(
        "market_item",
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("price_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("market_price_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("allotment", sa.BigInteger(), nullable=False),
        sa.Column("limit_per_family", sa.BigInteger(), nullable=False),
        sa.Column("sold", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("allotment BETWEEN 1 AND 100000000", name="market_item_allotment"),
        sa.CheckConstraint("limit_per_family BETWEEN 1 AND allotment", name="market_item_limit"),
        sa.CheckConstraint(
            "price_rupiah BETWEEN 0 AND market_price_rupiah AND market_price_rupiah <= 100000000",
            name="market_item_price",
        ),
        sa.CheckConstraint("sold BETWEEN 0 AND allotment", name="market_item_sold_within_allotment"),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["market_id"],
            ["market.id"],
        ),
        sa.PrimaryKeyConstraint("market_id", "item"),
    )
    op.create_table(
        "market_slot",
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("slot_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("issued", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name="market_slot_has_length"),
        sa.CheckConstraint("issued BETWEEN 0 AND capacity", name="market_slot_within_capacity"),
        sa.ForeignKeyConstraint(
            ["market_id"],
            ["market.id"],
        ),
        sa.PrimaryKeyConstraint("market_id", "slot_no"),
    )
    op.create_table(
        "market_claim_line",
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("claimed", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="market_claim_line_refused_has_reason"),
        sa.CheckConstraint("state IN ('pending', 'approved', 'refused')", name="market_claim_line_state_known"),
        sa.CheckConstraint("claimed BETWEEN 0 AND sold", name="market_claim_line_within_sold"),
        sa.CheckConstraint("subsidy_rupiah >= 0", name="market_claim_line_subsidy"),
        sa.ForeignKeyConstraint(
            ["claim_id"],
            ["market_claim.id"],
        ),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.PrimaryKeyConstraint("claim_id", "item"),
    )
    op.create_table(
        "market_coupon",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("slot_no", sa.Integer(), nullable=True),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("family ~ '^[A-Za-z0-9_-]{16,64}$'", name="market_coupon_family_form"),
        sa.CheckConstraint("packages BETWEEN 1 AND 10", name="market_coupon_packages"),
        sa.CheckConstraint("serial > 0", name="market_coupon_serial"),
        sa.ForeignKeyConstraint(
            ["market_id", "slot_no"], ["market_slot.market_id", "market_slot.slot_no"], name="market_coupon_slot"
        ),
        sa.ForeignKeyConstraint(
            ["market_id"],
            ["market.id"],
        ),
        sa.ForeignKeyConstraint(
            ["posting_id"],
            ["posting.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("market_id", "family", name="market_coupon_one_for_a_family"),
        sa.UniqueConstraint("market_id", "serial", name="market_coupon_serial_once"),
    )
    op.create_table(
        "market_sale",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("market_id", sa.Uuid(), nullable=False),
        sa.Column("counter", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("sold_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=True),
        sa.Column("family", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("double_use", sa.Boolean(), nullable=False),
        sa.Column("first_sale_id", sa.Uuid(), nullable=True),
        sa.Column("posting_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("unposted_reason", sa.String(), nullable=True),
        sa.Column("amount_rupiah", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(posting_id IS NULL) = (unposted_reason IS NOT NULL)", name="market_sale_unposted_has_reason"
        ),
        sa.CheckConstraint("NOT double_use OR coupon_id IS NOT NULL", name="market_sale_double_of_coupon"),
        sa.CheckConstraint("amount_rupiah >= 0", name="market_sale_amount"),
        sa.CheckConstraint("coupon_id IS NOT NULL OR family IS NOT NULL", name="market_sale_to_somebody"),
        sa.CheckConstraint("double_use = (first_sale_id IS NOT NULL)", name="market_sale_double_names_first"),
        sa.CheckConstraint("posting_id IS NOT NULL OR double_use", name="market_sale_posted_unless_double"),
        sa.CheckConstraint("sold_at <= recorded_at", name="market_sale_not_in_the_future"),
        sa.ForeignKeyConstraint(
            ["coupon_id"],
            ["market_coupon.id"],
        ),
        sa.ForeignKeyConstraint(
            ["first_sale_id"],
            ["market_sale.id"],
        ),
        sa.ForeignKeyConstraint(
            ["market_id"],
            ["market.id"],
        ),
        sa.ForeignKeyConstraint(
            ["posting_id"],
            ["posting.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("posting_id"),
    )
    op.create_index("market_sale_by_market", "market_sale", ["market_id"], unique=False)
    op.create_index(
        "market_sale_coupon_once", "market_sale", ["coupon_id"], unique=True, postgresql_where=sa.text("NOT double_use")
    )
    op.create_index(
        "market_sale_doubles", "market_sale", ["market_id", "id"], unique=False, postgresql_where=sa.text("double_use")
    )
    op.create_table(
        "market_sale_line",
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000000", name="market_sale_line_quantity"),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["sale_id"],
            ["market_sale.id"],
        ),
        sa.PrimaryKeyConstraint("sale_id", "item"),
    )


def downgrade() -> None:
    op.drop_table("market_sale_line")
    op.drop_index("market_sale_doubles", table_name="market_sale", postgresql_where=sa.text("double_use"))
    op.drop_index("market_sale_coupon_once", table_name="market_sale", postgresql_where=sa.text("NOT double_use"))
    op.drop_index("market_sale_by_market", table_name="market_sale")
    op.drop_table("market_sale")
    op.drop_table("market_coupon")
    op.drop_table("market_claim_line")
    op.drop_table("market_slot")
    op.drop_table("market_item")
    op.drop_table("market_family")
    op.drop_table("market_claim")
    op.drop_table("price_watch")
    op.drop_index(
        "price_observation_counts", table_name="price_observation", postgresql_where=sa.text("superseded_at IS NULL")
    )
    op.drop_index("price_observation_by_time", table_name="price_observation")
    op.drop_index(
        "price_observation_by_region", table_name="price_observation", postgresql_where=sa.text("superseded_at IS NULL")
    )
    op.drop_index(
        "price_observation_by_day", table_name="price_observation", postgresql_where=sa.text("superseded_at IS NULL")
    )
    op.drop_table("price_observation")
    op.drop_index("price_ceiling_counts", table_name="price_ceiling", postgresql_where=sa.text("superseded_at IS NULL"))
    op.drop_table("price_ceiling")
    op.drop_index("market_by_time", table_name="market")
    op.drop_index("market_by_region", table_name="market")
    op.drop_index("market_by_opening", table_name="market")
    op.drop_table("market")
    op.drop_table("market_series")
