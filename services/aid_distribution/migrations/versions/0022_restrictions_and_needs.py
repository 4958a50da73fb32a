"""Whose businesses nothing new may choose, and what businesses have declared of their need."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restricted_person",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner_id"),
    )
    op.create_table(
        "declared_need",
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("answered_on", sa.Date(), nullable=False),
        sa.Column("need", sa.Text(), nullable=False),
        sa.CheckConstraint("need IN ('low', 'medium', 'high')", name="declared_need_known"),
        sa.PrimaryKeyConstraint("participant_id"),
    )
    op.create_index("declared_need_by_business", "declared_need", ["business_id", "answered_on"])
    op.create_table(
        "erased_business",
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("business_id"),
    )
    op.add_column("allocation_line", sa.Column("decline_answers", sa.Integer(), nullable=True))
    op.create_check_constraint("allocation_line_decline_answers", "allocation_line", "decline_answers >= 0")


def downgrade() -> None:
    op.drop_constraint("allocation_line_decline_answers", "allocation_line", type_="check")
    op.drop_column("allocation_line", "decline_answers")
    op.drop_table("erased_business")
    op.drop_table("declared_need")
    op.drop_table("restricted_person")
