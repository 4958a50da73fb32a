"""The rate of a channel is one for all processes that send over it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

CHANNELS = ("whatsapp", "sms", "email", "webhook", "apprise")


def upgrade() -> None:
    rates = op.create_table(
        "channel_rate",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"channel IN ({', '.join(map(repr, CHANNELS))})", name="channel_rate_channel_known"),
        sa.PrimaryKeyConstraint("channel"),
    )
    op.execute(sa.insert(rates).values([{"channel": one, "free_at": sa.text("'epoch'")} for one in CHANNELS]))


def downgrade() -> None:
    op.drop_table("channel_rate")
