"""Contact tasks: owners whose number reaches nobody."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contact_task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'corrected', 'closed')", name="contact_task_state_known"),
        sa.CheckConstraint(
            "(state = 'open') = (ended_at IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL)",
            name="contact_task_end_whole",
        ),
        sa.CheckConstraint("(state = 'closed') = (ended_reason IS NOT NULL)", name="contact_task_closed_for_a_reason"),
        sa.CheckConstraint("length(ended_reason) BETWEEN 1 AND 200", name="contact_task_reason_length"),
        sa.CheckConstraint("length(channel) BETWEEN 1 AND 20", name="contact_task_channel_length"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 40", name="contact_task_cause_length"),
        sa.ForeignKeyConstraint(["owner_id"], ["owner.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    open_alone = sa.text("state = 'open'")
    op.create_index("contact_task_one_open", "contact_task", ["owner_id"], unique=True, postgresql_where=open_alone)
    op.create_index("contact_task_of_owner", "contact_task", ["owner_id"])
    op.create_index("contact_task_by_state", "contact_task", ["state", "id"])


def downgrade() -> None:
    op.drop_table("contact_task")
