"""Staff may be told by the office's own system, and by Telegram and whatever else Apprise speaks."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("staff_member", sa.Column("apprise_held", sa.LargeBinary(), nullable=True))
    op.add_column("staff_member", sa.Column("webhook", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_check_constraint("staff_member_apprise_length", "staff_member", "length(apprise_held) BETWEEN 1 AND 600")


def downgrade() -> None:
    op.drop_constraint("staff_member_apprise_length", "staff_member", type_="check")
    op.drop_column("staff_member", "webhook")
    op.drop_column("staff_member", "apprise_held")
