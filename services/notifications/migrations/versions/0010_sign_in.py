"""Codes by which owners sign in, and how often they were asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("phone_mark", sa.LargeBinary(), nullable=False),
        sa.Column("code_mark", sa.LargeBinary(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(phone_mark) = 32 AND length(code_mark) = 32", name="sign_in_code_marks"),
        sa.CheckConstraint("tries BETWEEN 0 AND 5", name="sign_in_code_tries"),
        sa.CheckConstraint("used_at >= sent_at", name="sign_in_code_used_after_sent"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sign_in_code_age", "sign_in_code", ["sent_at"], unique=False)
    op.create_index("sign_in_code_newest", "sign_in_code", ["phone_mark", "sent_at", "id"], unique=False)
    op.create_table(
        "sign_in_ask",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("phone_mark", sa.LargeBinary(), nullable=False),
        sa.Column("address_mark", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(phone_mark) = 32 AND length(address_mark) = 32", name="sign_in_ask_marks"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sign_in_ask_address", "sign_in_ask", ["address_mark", "asked_at"], unique=False)
    op.create_index("sign_in_ask_age", "sign_in_ask", ["asked_at"], unique=False)
    op.create_index("sign_in_ask_phone", "sign_in_ask", ["phone_mark", "asked_at"], unique=False)


def downgrade() -> None:
    op.drop_table("sign_in_ask")
    op.drop_table("sign_in_code")
