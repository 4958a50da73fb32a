"""What was ordered of businesses, and where the goods that they made went."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ordered",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("place_name", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("item_name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("price_rupiah", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("price_rupiah >= 0", name="ordered_price_not_negative"),
        sa.CheckConstraint("quantity > 0", name="ordered_quantity_positive"),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'delivered', 'short', 'taken_back')",
            name="ordered_state_known",
        ),
        sa.PrimaryKeyConstraint("order_id"),
    )
    op.create_index("ordered_lot", "ordered", ["lot", "item"], unique=False)
    op.create_index("ordered_of_business", "ordered", ["business_id", "due_on", "order_id"], unique=False)
    op.create_table(
        "given",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'return') = (occasion IS NULL)", name="given_at_an_occasion"),
        sa.CheckConstraint("kind IN ('distribution', 'sale', 'return')", name="given_kind_known"),
        sa.CheckConstraint("quantity > 0", name="given_quantity_positive"),
        sa.CheckConstraint("voided_at IS NULL OR kind <> 'sale'", name="given_void_is_of_no_sale"),
        sa.PrimaryKeyConstraint("document_id", "item", "lot"),
    )
    op.create_index("given_at_occasion", "given", ["occasion"], unique=False)
    op.create_index("given_of_lot", "given", ["lot", "item"], unique=False)


def downgrade() -> None:
    op.drop_table("given")
    op.drop_table("ordered")
