"""What operators do by command leaves a record, and a consumer can be retired."""

from shared.migrations import backbone

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    backbone.create_operating_tables()


def downgrade() -> None:
    backbone.drop_operating_tables()
