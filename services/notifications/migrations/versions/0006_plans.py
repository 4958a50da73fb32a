"""Deliveries carry their plan: the lane, the moment after which they are worth nothing, and the channels left."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOVES = """
            ('queued', 'sending'), ('queued', 'failed'),{more}
            ('sending', 'queued'), ('sending', 'accepted'), ('sending', 'delivered'), ('sending', 'failed'),
            ('sending', 'unknown'),
            ('unknown', 'accepted'), ('unknown', 'delivered'), ('unknown', 'failed'),
            ('accepted', 'delivered'), ('accepted', 'failed')"""

KEEP_ORDER = """
    CREATE OR REPLACE FUNCTION delivery_keep_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN ({moves}
        ) THEN
            RAISE EXCEPTION 'a delivery never goes from % to %', OLD.state, NEW.state
                USING ERRCODE = 'check_violation';
        END IF;
        IF OLD.accepted_at IS DISTINCT FROM NEW.accepted_at AND OLD.accepted_at IS NOT NULL THEN
            RAISE EXCEPTION 'the moment of acceptance stays' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
"""
CHANNELS = "channel IN ('whatsapp', 'sms', 'email', 'webhook', 'apprise')"
REASONS = "reason IN ('refused', 'errors', 'no_address', 'bad_address', 'too_old', 'answer_lost', 'not_set_up', 'not_delivered')"
REASONS_BEFORE = "reason IN ('refused', 'errors', 'no_address', 'bad_address', 'too_old', 'answer_lost')"


def upgrade() -> None:
    op.add_column("delivery", sa.Column("lane", sa.SmallInteger(), server_default="1", nullable=False))
    op.add_column("delivery", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("delivery", sa.Column("rest", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("delivery", sa.Column("errors", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("delivery", sa.Column("doubted", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("delivery", sa.Column("provider_id", sa.Text(), nullable=True))
    op.add_column("delivery", sa.Column("cost_rupiah", sa.Integer(), nullable=True))
    op.add_column("delivery", sa.Column("resolved_by", sa.Text(), nullable=True))
    op.add_column("delivery", sa.Column("resolution", sa.Text(), nullable=True))
    op.execute("UPDATE delivery SET expires_at = created_at + interval '7 days', errors = attempts")
    op.alter_column("delivery", "expires_at", nullable=False)
    for column in ("lane", "rest", "errors", "doubted"):
        op.alter_column("delivery", column, server_default=None)
    for name in ("delivery_channel_known", "delivery_reason_known", "delivery_attempts_limited"):
        op.drop_constraint(name, "delivery", type_="check")
    op.create_check_constraint("delivery_channel_known", "delivery", CHANNELS)
    op.create_check_constraint("delivery_reason_known", "delivery", REASONS)
    op.create_check_constraint("delivery_attempts_limited", "delivery", "attempts BETWEEN 0 AND 100")
    op.create_check_constraint("delivery_errors_limited", "delivery", "errors BETWEEN 0 AND 3")
    op.create_check_constraint("delivery_lane_known", "delivery", "lane BETWEEN 0 AND 3")
    op.create_check_constraint(
        "delivery_rest_limited", "delivery", "cardinality(rest) <= 5 AND NOT channel = ANY (rest)"
    )
    op.create_check_constraint("delivery_provider_id_length", "delivery", "length(provider_id) BETWEEN 1 AND 200")
    op.create_check_constraint("delivery_cost_limited", "delivery", "cost_rupiah BETWEEN 0 AND 1000000")
    op.create_check_constraint("delivery_resolution_length", "delivery", "length(resolution) BETWEEN 1 AND 200")
    op.create_check_constraint("delivery_resolution_whole", "delivery", "(resolved_by IS NULL) = (resolution IS NULL)")
    op.drop_index("delivery_due", "delivery")
    op.drop_index("delivery_age", "delivery")
    queued = sa.text("state = 'queued'")
    op.create_index("delivery_due", "delivery", ["channel", "lane", "due_at", "id"], postgresql_where=queued)
    op.create_index("delivery_expiry", "delivery", ["expires_at"], postgresql_where=queued)
    op.create_index("delivery_provider", "delivery", ["channel", "provider_id"])
    op.execute(KEEP_ORDER.format(moves=MOVES.format(more=" ('queued', 'unknown'),")))


def downgrade() -> None:
    op.execute(KEEP_ORDER.format(moves=MOVES.format(more="")))
    op.execute("DELETE FROM delivery WHERE channel <> 'email'")
    op.execute("UPDATE delivery SET reason = 'refused' WHERE reason IN ('not_set_up', 'not_delivered')")
    op.execute("UPDATE delivery SET attempts = least(attempts, 3)")
    for name in ("delivery_provider", "delivery_expiry", "delivery_due"):
        op.drop_index(name, "delivery")
    for name in (
        "delivery_resolution_whole", "delivery_resolution_length", "delivery_cost_limited",
        "delivery_provider_id_length", "delivery_rest_limited", "delivery_lane_known", "delivery_errors_limited",
        "delivery_attempts_limited", "delivery_reason_known", "delivery_channel_known",
    ):  # fmt: skip
        op.drop_constraint(name, "delivery", type_="check")
    op.create_check_constraint("delivery_channel_known", "delivery", "channel IN ('email')")
    op.create_check_constraint("delivery_reason_known", "delivery", REASONS_BEFORE)
    op.create_check_constraint("delivery_attempts_limited", "delivery", "attempts BETWEEN 0 AND 3")
    queued = sa.text("state = 'queued'")
    op.create_index("delivery_age", "delivery", ["created_at"], postgresql_where=queued)
    op.create_index("delivery_due", "delivery", ["due_at", "id"], postgresql_where=queued)
    for column in (
        "resolution", "resolved_by", "cost_rupiah", "provider_id", "doubted", "errors", "rest", "expires_at", "lane",
    ):  # fmt: skip
        op.drop_column("delivery", column)
