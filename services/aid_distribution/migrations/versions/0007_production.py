"""Production orders to small industry: producers, calls, orders, deliveries, payments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "producer_profile",
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("capacity_per_week", sa.Integer(), nullable=False),
        sa.Column("decline_permille", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("capacity_per_week BETWEEN 0 AND 1000000", name="producer_profile_capacity"),
        sa.CheckConstraint("decline_permille BETWEEN 0 AND 1000", name="producer_profile_decline"),
        sa.PrimaryKeyConstraint("business_id"),
    )
    op.create_table(
        "production_call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("price_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("cap_per_business", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("sector", sa.String(), nullable=False),
        sa.Column("regions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("place_region", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("cap_per_business BETWEEN 1 AND quantity", name="production_call_cap"),
        sa.CheckConstraint("cardinality(regions) BETWEEN 1 AND 50", name="production_call_regions"),
        sa.CheckConstraint("held BETWEEN 0 AND quantity", name="production_call_held_within_need"),
        sa.CheckConstraint("price_rupiah BETWEEN 1 AND 100000000", name="production_call_price"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 10000000", name="production_call_quantity"),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["place"],
            ["place.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("id", "cap_per_business", name="production_call_cap_key"),
    )
    op.create_index("production_call_newest", "production_call", ["created_at", "id"], unique=False)
    op.create_table(
        "production_share",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.CheckConstraint("held BETWEEN 0 AND cap", name="production_share_within_cap"),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["known_business.id"],
        ),
        sa.ForeignKeyConstraint(
            ["call_id", "cap"],
            ["production_call.id", "production_call.cap_per_business"],
        ),
        sa.PrimaryKeyConstraint("call_id", "business_id"),
    )
    op.create_table(
        "production_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("place_region", sa.String(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("proposed", sa.Integer(), nullable=False),
        sa.Column("override_reason", sa.String(), nullable=True),
        sa.Column("price_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("score", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offered_by", sa.String(), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("decline_reason", sa.String(), nullable=True),
        sa.Column("taken_back_reason", sa.String(), nullable=True),
        sa.Column("accepted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_rupiah", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(ended_on IS NOT NULL) = (state IN ('delivered', 'short', 'taken_back'))", name="production_order_ended"
        ),
        sa.CheckConstraint("(state = 'declined') = (decline_reason IS NOT NULL)", name="production_order_declined_why"),
        sa.CheckConstraint("(state = 'delivered') = (accepted = quantity)", name="production_order_delivered_in_full"),
        sa.CheckConstraint(
            "(state = 'taken_back') = (taken_back_reason IS NOT NULL)", name="production_order_taken_back_why"
        ),
        sa.CheckConstraint(
            "accepted_at IS NOT NULL OR state NOT IN ('accepted', 'delivered', 'short')",
            name="production_order_delivered_when_accepted",
        ),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'expired', 'delivered', 'short', 'taken_back')",
            name="production_order_state_known",
        ),
        sa.CheckConstraint(
            "state NOT IN ('offered', 'declined', 'expired') OR (accepted = 0 AND rejected = 0)",
            name="production_order_nothing_before_acceptance",
        ),
        sa.CheckConstraint("accepted BETWEEN 0 AND quantity", name="production_order_accepted_within_quantity"),
        sa.CheckConstraint("answer_by > offered_at", name="production_order_time_to_answer"),
        sa.CheckConstraint(
            "paid_rupiah BETWEEN 0 AND accepted * price_rupiah", name="production_order_paid_within_due"
        ),
        sa.CheckConstraint("price_rupiah BETWEEN 1 AND 100000000", name="production_order_price"),
        sa.CheckConstraint(
            "proposed >= 0 AND (quantity = proposed OR override_reason IS NOT NULL)",
            name="production_order_override_has_reason",
        ),
        sa.CheckConstraint("quantity BETWEEN 1 AND 10000000", name="production_order_quantity"),
        sa.CheckConstraint("rejected >= 0", name="production_order_rejected_not_negative"),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["known_business.id"],
        ),
        sa.ForeignKeyConstraint(
            ["call_id", "business_id"],
            ["production_share.call_id", "production_share.business_id"],
        ),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["production_call.id"],
        ),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["place"],
            ["place.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("production_order_newest", "production_order", ["offered_at", "id"], unique=False)
    op.create_index(
        "production_order_of_business", "production_order", ["business_id", "offered_at", "id"], unique=False
    )
    op.create_index("production_order_of_call", "production_order", ["call_id", "business_id"], unique=False)
    op.create_index(
        "production_order_waiting",
        "production_order",
        ["answer_by"],
        unique=False,
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_table(
        "production_delivery",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("layers", sa.Integer(), nullable=True),
        sa.Column("layers_needed", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("last", sa.Boolean(), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.CheckConstraint("(accepted > 0) = (posting_id IS NOT NULL)", name="production_delivery_accepted_is_posted"),
        sa.CheckConstraint("(posting_id IS NULL) = (number IS NULL)", name="production_delivery_number"),
        sa.CheckConstraint(
            "accepted = 0 OR coalesce(layers, 0) >= layers_needed", name="production_delivery_layers_enough"
        ),
        sa.CheckConstraint(
            "accepted >= 0 AND rejected >= 0 AND accepted + rejected = quantity", name="production_delivery_adds_up"
        ),
        sa.CheckConstraint("layers BETWEEN 0 AND 10", name="production_delivery_layers"),
        sa.CheckConstraint("no > 0 AND quantity > 0", name="production_delivery_positive"),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["production_order.id"],
        ),
        sa.ForeignKeyConstraint(
            ["posting_id"],
            ["posting.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "no"),
        sa.UniqueConstraint("posting_id"),
    )
    op.create_table(
        "production_payment",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("amount_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.CheckConstraint("no > 0 AND amount_rupiah > 0", name="production_payment_positive"),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["production_order.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "no"),
        sa.UniqueConstraint("order_id", "reference", name="production_payment_once"),
    )
    op.create_table(
        "production_ranking",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("candidates", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("jsonb_typeof(candidates) = 'array'", name="production_ranking_is_a_list"),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["production_order.id"],
        ),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_table(
        "production_rejection",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('layers', 'seams', 'size', 'fabric', 'soiled', 'damaged', 'surplus', 'other')",
            name="production_rejection_reason_known",
        ),
        sa.CheckConstraint("quantity > 0", name="production_rejection_quantity_positive"),
        sa.ForeignKeyConstraint(
            ["order_id", "delivery_no"],
            ["production_delivery.order_id", "production_delivery.no"],
        ),
        sa.PrimaryKeyConstraint("order_id", "delivery_no", "reason"),
    )


def downgrade() -> None:
    op.drop_table("production_rejection")
    op.drop_table("production_ranking")
    op.drop_table("production_payment")
    op.drop_table("production_delivery")
    op.drop_index(
        "production_order_waiting", table_name="production_order", postgresql_where=sa.text("state = 'offered'")
    )
    op.drop_index("production_order_of_call", table_name="production_order")
    op.drop_index("production_order_of_business", table_name="production_order")
    op.drop_index("production_order_newest", table_name="production_order")
    op.drop_table("production_order")
    op.drop_table("production_share")
    op.drop_index("production_call_newest", table_name="production_call")
    op.drop_table("production_call")
    op.drop_table("producer_profile")
