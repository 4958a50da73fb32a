"""Returns count against what they return; exceptions change hands, and breaches are accepted with a reason."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

QUANTITY = "quantity BETWEEN 1 AND 1000000000000"
WIB = "AT TIME ZONE INTERVAL '7 hours'"


def upgrade() -> None:
    _returns()
    _markets()
    _exceptions()
    op.add_column("distribution_entry", sa.Column("note", sa.Text(), nullable=True))


def _returns() -> None:
    op.add_column("stock_return", sa.Column("business_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("stock_return_business_id_fkey", "stock_return", "known_business", ["business_id"], ["id"])
    op.create_check_constraint(
        "stock_return_of_business_names_posting",
        "stock_return",
        "business_id IS NULL OR (direction = 'from_public' AND returns IS NOT NULL)",
    )
    op.create_table(
        "distribution_return",
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("returns", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(QUANTITY, name="distribution_return_quantity"),
        sa.CheckConstraint("returns <> posting_id", name="distribution_return_of_another_posting"),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.ForeignKeyConstraint(["returns"], ["posting.id"]),
        sa.ForeignKeyConstraint(["business_id"], ["known_business.id"]),
        sa.PrimaryKeyConstraint("posting_id", "item"),
    )
    op.create_index("distribution_return_of_posting", "distribution_return", ["returns"])
    op.execute(
        f"""
        INSERT INTO distribution_return (posting_id, item, returns, day, quantity)
        SELECT r.posting_id, l.item, r.returns, (r.occurred_at {WIB})::date, sum(l.quantity)
        FROM stock_return r JOIN distribution d ON d.posting_id = r.returns
        JOIN posting_line l ON l.posting_id = r.posting_id AND l.late_by IS NULL
        GROUP BY r.posting_id, l.item, r.returns, r.occurred_at
        """  # noqa: S608 - our own text
    )
    _column("distribution_share", "returned")
    op.create_check_constraint(
        "distribution_share_returned_within_quantity", "distribution_share", "returned BETWEEN 0 AND quantity"
    )
    _column("handed_out_day", "returned")
    op.execute(
        f"""
        UPDATE handed_out_day h SET returned = b.quantity FROM (
            SELECT r.item, (d.occurred_at {WIB})::date AS day, d.region, d.programme, sum(r.quantity) AS quantity
            FROM distribution_return r JOIN distribution d ON d.posting_id = r.returns GROUP BY 1, 2, 3, 4
        ) b WHERE (h.item, h.day, h.region, h.programme) = (b.item, b.day, b.region, b.programme)
        """  # noqa: S608 - our own text
    )
    op.create_check_constraint(
        "handed_out_day_returned_within_quantity", "handed_out_day", "returned BETWEEN 0 AND quantity"
    )


def _column(table: str, name: str) -> None:
    op.add_column(table, sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))


def _markets() -> None:
    for name in ("beyond_limit", "beyond_allotment"):
        op.add_column("market_sale", sa.Column(name, sa.Boolean(), server_default="false", nullable=False))
    op.create_check_constraint(
        "market_sale_beyond_is_posted",
        "market_sale",
        "NOT (beyond_limit OR beyond_allotment) OR posting_id IS NOT NULL",
    )
    op.drop_constraint("market_family_within_limit", "market_family", type_="check")
    op.create_check_constraint("market_family_within_limit", "market_family", "quantity BETWEEN 0 AND limit_per_family")
    _column("market_sale_line", "returned")
    op.execute(
        """
        UPDATE market_sale_line s SET returned = b.quantity FROM (
            SELECT m.id, l.item, sum(l.quantity) AS quantity
            FROM market_sale m JOIN stock_return r ON r.returns = m.posting_id
            JOIN posting_line l ON l.posting_id = r.posting_id AND l.late_by IS NULL GROUP BY 1, 2
        ) b WHERE (s.sale_id, s.item) = (b.id, b.item)
        """
    )
    op.create_check_constraint(
        "market_sale_line_returned_within_quantity", "market_sale_line", "returned BETWEEN 0 AND quantity"
    )
    op.execute(
        """
        UPDATE market_item i SET sold = i.sold - b.quantity FROM (
            SELECT m.market_id, l.item, sum(l.returned) AS quantity
            FROM market_sale m JOIN market_sale_line l ON l.sale_id = m.id GROUP BY 1, 2
        ) b WHERE (i.market_id, i.item) = (b.market_id, b.item) AND b.quantity > 0
        """
    )
    op.execute(
        """
        UPDATE market_family f SET quantity = f.quantity - b.quantity FROM (
            SELECT m.market_id, m.family, l.item, sum(l.returned) AS quantity
            FROM market_sale m JOIN market_sale_line l ON l.sale_id = m.id WHERE m.coupon_id IS NULL GROUP BY 1, 2, 3
        ) b WHERE (f.market_id, f.family, f.item) = (b.market_id, b.family, b.item) AND b.quantity > 0
        """
    )
    op.add_column("market_sale", sa.Column("claim_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("market_sale_claim_id_fkey", "market_sale", "market_claim", ["claim_id"], ["id"])
    op.execute(
        "UPDATE market_sale m SET claim_id = c.id FROM market_claim c"
        " WHERE c.market_id = m.market_id AND NOT m.double_use AND m.recorded_at <= c.submitted_at"
    )
    _column("market_claim_line", "returned")
    # A claim was computed from all that was sold; what of it came back is taken off it now.
    op.execute(
        """
        UPDATE market_claim_line k SET returned = least(b.quantity, k.sold) FROM (
            SELECT m.claim_id, l.item, sum(l.returned) AS quantity
            FROM market_sale m JOIN market_sale_line l ON l.sale_id = m.id WHERE m.claim_id IS NOT NULL GROUP BY 1, 2
        ) b WHERE (k.claim_id, k.item) = (b.claim_id, b.item)
        """
    )
    op.add_column("market_claim_line", sa.Column("settled", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE market_claim_line SET settled = CASE state WHEN 'approved' THEN claimed ELSE 0 END"
        " WHERE state <> 'pending'"
    )
    for name, check in (
        ("market_claim_line_returned_within_sold", "returned BETWEEN 0 AND sold"),
        ("market_claim_line_settled_within_claimed", "settled BETWEEN 0 AND claimed"),
        ("market_claim_line_decided_is_settled", "(state = 'pending') = (settled IS NULL)"),
    ):
        op.create_check_constraint(name, "market_claim_line", check)


def _exceptions() -> None:
    op.add_column("stock_exception", sa.Column("breach", postgresql.JSONB(none_as_null=True), nullable=True))
    op.add_column("stock_exception", sa.Column("deadline_no", sa.Integer(), server_default="1", nullable=False))
    op.create_check_constraint("stock_exception_deadlines_are_counted", "stock_exception", "deadline_no > 0")
    op.add_column("stock_exception", sa.Column("breach_reason", sa.String(), nullable=True))
    op.create_check_constraint(
        "stock_exception_breach_has_reason",
        "stock_exception",
        "(breach IS NULL) = (breach_reason IS NULL) AND (breach IS NULL OR state = 'applied')",
    )
    op.create_table(
        "stock_exception_change",
        sa.Column("exception_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.CheckConstraint("owner <> '' AND reason <> ''", name="stock_exception_change_says_who_and_why"),
        sa.CheckConstraint("version > 1", name="stock_exception_change_makes_a_version"),
        sa.ForeignKeyConstraint(["exception_id"], ["stock_exception.id"]),
        sa.PrimaryKeyConstraint("exception_id", "version"),
    )
    op.execute(
        "CREATE TRIGGER stock_exception_change_append_only BEFORE UPDATE OR DELETE ON stock_exception_change"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER stock_exception_change_no_truncate BEFORE TRUNCATE ON stock_exception_change"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_column("distribution_entry", "note")
    op.drop_table("stock_exception_change")
    op.drop_constraint("stock_exception_breach_has_reason", "stock_exception", type_="check")
    op.drop_column("stock_exception", "deadline_no")
    op.drop_column("stock_exception", "breach")
    op.drop_column("stock_exception", "breach_reason")
    for name in ("settled", "returned"):
        op.drop_column("market_claim_line", name)
    # What came back is counted as sold again, as it was.
    op.execute(
        """
        UPDATE market_item i SET sold = least(i.allotment, i.sold + b.quantity) FROM (
            SELECT m.market_id, l.item, sum(l.returned) AS quantity
            FROM market_sale m JOIN market_sale_line l ON l.sale_id = m.id WHERE NOT m.beyond_allotment GROUP BY 1, 2
        ) b WHERE (i.market_id, i.item) = (b.market_id, b.item) AND b.quantity > 0
        """
    )
    op.execute(
        """
        UPDATE market_family f SET quantity = least(f.limit_per_family, f.quantity + b.quantity) FROM (
            SELECT m.market_id, m.family, l.item, sum(l.returned) AS quantity
            FROM market_sale m JOIN market_sale_line l ON l.sale_id = m.id
            WHERE m.coupon_id IS NULL AND NOT m.beyond_limit GROUP BY 1, 2, 3
        ) b WHERE (f.market_id, f.family, f.item) = (b.market_id, b.family, b.item) AND b.quantity > 0
        """
    )
    op.drop_column("market_sale_line", "returned")
    op.drop_column("market_sale", "claim_id")
    op.drop_constraint("market_family_within_limit", "market_family", type_="check")
    op.create_check_constraint("market_family_within_limit", "market_family", "quantity BETWEEN 1 AND limit_per_family")
    for name in ("beyond_limit", "beyond_allotment"):
        op.drop_column("market_sale", name)
    op.drop_column("handed_out_day", "returned")
    op.drop_column("distribution_share", "returned")
    op.drop_table("distribution_return")
    op.drop_column("stock_return", "business_id")
