"""People to whom nobody writes for now, or any more, and what they were therefore not told."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contact_hold",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('restricted', 'erased')", name="contact_hold_kind_known"),
        sa.PrimaryKeyConstraint("owner_id"),
    )
    op.create_table(
        "withheld",
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("person ~ '^owner/.{1,200}$'", name="withheld_person_well_formed"),
        sa.PrimaryKeyConstraint("fact", "person", "purpose"),
    )


def downgrade() -> None:
    op.drop_table("withheld")
    op.drop_table("contact_hold")
