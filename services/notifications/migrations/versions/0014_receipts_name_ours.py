"""Receipts name our own delivery, so that they are understood when the provider's name for it never reached us."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("receipt", sa.Column("delivery_id", sa.Uuid(), nullable=True))
    waiting = sa.text("applied_at IS NULL AND delivery_id IS NOT NULL")
    op.create_index("receipt_of_ours", "receipt", ["delivery_id"], postgresql_where=waiting)


def downgrade() -> None:
    op.drop_index("receipt_of_ours", "receipt")
    op.drop_column("receipt", "delivery_id")
