"""The sealed telephone of a code until it is sent."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sign_in_code", sa.Column("phone_held", sa.LargeBinary(), nullable=True))
    op.create_check_constraint("sign_in_code_phone_length", "sign_in_code", "length(phone_held) BETWEEN 1 AND 100")
    op.create_index(
        "sign_in_code_unsent", "sign_in_code", ["sent_at"], unique=False,
        postgresql_where=sa.text("phone_held IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("sign_in_code_unsent", "sign_in_code")
    op.drop_constraint("sign_in_code_phone_length", "sign_in_code", type_="check")
    op.drop_column("sign_in_code", "phone_held")
