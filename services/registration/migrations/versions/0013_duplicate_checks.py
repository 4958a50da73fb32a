"""What was imported waits to be compared with all other businesses, and its import says how many wait."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duplicate_check",
        sa.Column("business_id", sa.Uuid(), autoincrement=False, nullable=False),
        sa.Column("batch", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("business_id"),
    )
    op.add_column("business_import", sa.Column("to_compare", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint("business_import_to_compare_not_negative", "business_import", "to_compare >= 0")


def downgrade() -> None:
    op.drop_constraint("business_import_to_compare_not_negative", "business_import")
    op.drop_column("business_import", "to_compare")
    op.drop_table("duplicate_check")
