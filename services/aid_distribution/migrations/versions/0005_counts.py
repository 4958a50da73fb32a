"""Counts as anchors, what late postings changed, and lots on hold."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

REASONS = "'damaged', 'lost', 'expired', 'found', 'recount', 'other'"
JOURNAL = ("count_line", "late_change", "snapshot", "snapshot_line")


def upgrade() -> None:
    op.add_column("posting_line", sa.Column("late_by", sa.Uuid(), nullable=True))
    op.create_foreign_key("posting_line_late_by_fkey", "posting_line", "posting", ["late_by"], ["id"])
    op.execute("CREATE SEQUENCE late_line_no AS integer START 1000001 MINVALUE 1000001 OWNED BY posting_line.line_no")
    op.add_column("lot", sa.Column("held", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("lot", sa.Column("held_reason", sa.String(), nullable=True))
    op.add_column("lot", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.create_check_constraint("lot_held_has_reason", "lot", "held = (held_reason IS NOT NULL)")
    op.create_table(
        "count_line",
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("book", sa.BigInteger(), nullable=False),
        sa.Column("snapshot", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.CheckConstraint("counted BETWEEN 0 AND 1000000000000 AND book >= 0", name="count_line_quantities"),
        sa.CheckConstraint("snapshot IS NULL OR snapshot = book", name="count_line_snapshot_was_the_book"),
        sa.CheckConstraint(f"reason IN ({REASONS})", name="count_line_reason_known"),
        sa.ForeignKeyConstraint(["place"], ["place.code"]),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.PrimaryKeyConstraint("place", "item", "lot", "occurred_at", "recorded_at", "posting_id"),
    )
    op.create_index(op.f("ix_count_line_posting_id"), "count_line", ["posting_id"], unique=False)
    op.create_table(
        "late_change",
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("taken_up_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_region", sa.String(), nullable=True),
        sa.CheckConstraint("change <> 0", name="late_change_changes"),
        sa.CheckConstraint("(first_day IS NULL) = (last_day IS NULL)", name="late_change_days_together"),
        sa.CheckConstraint("first_day <= last_day", name="late_change_days_ascend"),
        sa.CheckConstraint("first_day IS NOT NULL OR taken_up_by IS NOT NULL", name="late_change_of_something"),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.ForeignKeyConstraint(["place"], ["place.code"]),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.ForeignKeyConstraint(["taken_up_by"], ["posting.id"]),
        sa.PrimaryKeyConstraint("posting_id", "place", "item", "lot"),
    )
    op.create_index("late_change_by_card", "late_change", ["place", "item", "recorded_at", "posting_id", "lot"])
    op.create_table(
        "snapshot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("items", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["place"], ["place.code"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "snapshot_line",
        sa.Column("snapshot_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("on_hand >= 0", name="snapshot_line_on_hand"),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshot.id"]),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.PrimaryKeyConstraint("snapshot_id", "item", "lot"),
    )
    for table in JOURNAL:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ("snapshot_line", "snapshot", "late_change", "count_line"):
        op.drop_table(table)
    op.drop_constraint("lot_held_has_reason", "lot", type_="check")
    for column in ("version", "held_reason", "held"):
        op.drop_column("lot", column)
    op.execute("DROP SEQUENCE late_line_no")
    op.drop_constraint("posting_line_late_by_fkey", "posting_line", type_="foreignkey")
    op.drop_column("posting_line", "late_by")
