"""What providers tell of deliveries, each once, and kept until the delivery that it is about is known."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipt",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("cost_rupiah", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('whatsapp', 'sms')", name="receipt_channel_known"),
        sa.CheckConstraint("state IN ('delivered', 'failed')", name="receipt_state_known"),
        sa.CheckConstraint("length(event_id) BETWEEN 1 AND 300", name="receipt_event_id_length"),
        sa.CheckConstraint("length(provider_id) BETWEEN 1 AND 200", name="receipt_provider_id_length"),
        sa.CheckConstraint("length(code) <= 60", name="receipt_code_length"),
        sa.CheckConstraint("cost_rupiah BETWEEN 0 AND 1000000", name="receipt_cost_limited"),
        sa.PrimaryKeyConstraint("channel", "event_id"),
    )
    waiting = sa.text("applied_at IS NULL")
    op.create_index("receipt_waiting", "receipt", ["channel", "provider_id"], postgresql_where=waiting)
    op.create_index("receipt_age", "receipt", ["received_at"])


def downgrade() -> None:
    op.drop_table("receipt")
