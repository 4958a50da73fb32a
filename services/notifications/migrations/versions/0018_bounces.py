"""What a mail gateway tells of our letters."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("receipt_channel_known", "receipt", type_="check")
    op.create_check_constraint("receipt_channel_known", "receipt", "channel IN ('whatsapp', 'sms', 'email')")


def downgrade() -> None:
    op.execute("DELETE FROM receipt WHERE channel = 'email'")
    op.drop_constraint("receipt_channel_known", "receipt", type_="check")
    op.create_check_constraint("receipt_channel_known", "receipt", "channel IN ('whatsapp', 'sms')")
