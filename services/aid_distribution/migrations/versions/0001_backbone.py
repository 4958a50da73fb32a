"""The backbone: what every service keeps beside its own tables."""

from shared.migrations import backbone

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    backbone.create_tables()


def downgrade() -> None:
    backbone.drop_tables()
