"""Last words to people who were erased: where they go, sealed, until they are sent."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "last_word",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("phone_held", sa.LargeBinary(), nullable=True),
        sa.Column("email_held", sa.LargeBinary(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("phone_held IS NOT NULL OR email_held IS NOT NULL", name="last_word_goes_somewhere"),
        sa.CheckConstraint("length(phone_held) BETWEEN 1 AND 400", name="last_word_phone_length"),
        sa.CheckConstraint("length(email_held) BETWEEN 1 AND 400", name="last_word_email_length"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"]),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("last_word_until", "last_word", ["until"])


def downgrade() -> None:
    op.drop_table("last_word")
