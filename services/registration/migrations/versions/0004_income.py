"""What businesses earn by production orders."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "income",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("item_name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=True),
        sa.Column("rejected", sa.BigInteger(), nullable=True),
        sa.Column("amount_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'delivery') = (accepted IS NOT NULL) AND (accepted IS NULL) = (rejected IS NULL)",
            name="income_delivery_is_counted",
        ),
        sa.CheckConstraint("kind IN ('delivery', 'payment')", name="income_kind_known"),
        sa.CheckConstraint("accepted >= 0 AND rejected >= 0", name="income_counts_not_negative"),
        sa.CheckConstraint("amount_rupiah >= 0", name="income_amount_not_negative"),
        sa.CheckConstraint("no > 0", name="income_no_positive"),
        sa.PrimaryKeyConstraint("order_id", "kind", "no"),
    )
    op.create_index(
        "income_of_business", "income", ["business_id", "occurred_at", "order_id", "kind", "no"], unique=False
    )


def downgrade() -> None:
    op.drop_index("income_of_business", table_name="income")
    op.drop_table("income")
