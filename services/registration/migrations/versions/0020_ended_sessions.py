"""Sessions of pages that were ended before their time."""

from shared.migrations import backbone

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    backbone.create_ended_sessions()


def downgrade() -> None:
    backbone.drop_ended_sessions()
