"""Transfers may be taken back before they arrive."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

OPEN_OR_RECEIVED = (
    "(state = 'in_transit' AND receipt_posting_id IS NULL AND received_at IS NULL) OR"
    " (state = 'received' AND receipt_posting_id IS NOT NULL AND received_at >= occurred_at)"
)
VOIDED = " OR (state = 'voided' AND receipt_posting_id IS NULL AND received_at IS NULL)"


def upgrade() -> None:
    op.add_column("transfer", sa.Column("void_posting_id", sa.Uuid(), nullable=True))
    op.add_column("transfer", sa.Column("void_reason", sa.String(), nullable=True))
    op.create_foreign_key("transfer_void_posting_id_fkey", "transfer", "posting", ["void_posting_id"], ["id"])
    op.create_unique_constraint("transfer_void_posting_id_key", "transfer", ["void_posting_id"])
    op.drop_constraint("transfer_state", "transfer", type_="check")
    op.create_check_constraint("transfer_state", "transfer", OPEN_OR_RECEIVED + VOIDED)
    op.create_check_constraint(
        "transfer_voided_by_posting", "transfer", "(state = 'voided') = (void_posting_id IS NOT NULL)"
    )
    op.create_check_constraint(
        "transfer_void_has_reason", "transfer", "(void_posting_id IS NULL) = (void_reason IS NULL)"
    )


def downgrade() -> None:
    for name in ("transfer_void_has_reason", "transfer_voided_by_posting", "transfer_state"):
        op.drop_constraint(name, "transfer", type_="check")
    op.drop_constraint("transfer_void_posting_id_key", "transfer", type_="unique")
    op.drop_constraint("transfer_void_posting_id_fkey", "transfer", type_="foreignkey")
    op.drop_column("transfer", "void_reason")
    op.drop_column("transfer", "void_posting_id")
    # One that was taken back has no state of before.
    op.execute(f"ALTER TABLE transfer ADD CONSTRAINT transfer_state CHECK ({OPEN_OR_RECEIVED}) NOT VALID")
