"""Why a letter was never handed over: STOP, no consent, the reader's own choice, or that nobody may write to them."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BEFORE = "'refused', 'errors', 'no_address', 'bad_address', 'too_old', 'answer_lost', 'not_set_up', 'not_delivered'"
NEW = "'stopped', 'no_consent', 'preference', 'held'"


def upgrade() -> None:
    op.drop_constraint("delivery_reason_known", "delivery", type_="check")
    op.create_check_constraint("delivery_reason_known", "delivery", f"reason IN ({BEFORE}, {NEW})")


def downgrade() -> None:
    op.execute(f"UPDATE delivery SET reason = 'no_address' WHERE reason IN ({NEW})")  # noqa: S608  ours
    op.drop_constraint("delivery_reason_known", "delivery", type_="check")
    op.create_check_constraint("delivery_reason_known", "delivery", f"reason IN ({BEFORE})")
