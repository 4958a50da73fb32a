"""Imports of businesses from files, and by what they find a business."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("business_document", "business", ["document"])
    op.create_index("business_name", "business", ["name"])
    op.create_table(
        "business_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("length_bytes", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("regions", ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("read_as", sa.Text(), nullable=True),
        sa.Column("layout", JSONB(none_as_null=True), nullable=True),
        sa.Column("rows_total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("new", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("failure_detail", sa.Text(), nullable=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("leased_by", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "state IN ('uploaded', 'previewing', 'previewed', 'importing', 'done', 'failed', 'cancelled')",
            name="business_import_state_known",
        ),
        sa.CheckConstraint("mode IN ('all_or_nothing', 'good_rows')", name="business_import_mode_known"),
        sa.CheckConstraint("state NOT IN ('importing', 'done') OR mode IS NOT NULL", name="business_import_with_mode"),
        sa.CheckConstraint(
            "position >= 0 AND rows_total >= position AND new >= 0 AND changed >= 0 AND unchanged >= 0 AND refused >= 0 AND new + changed + unchanged + refused = position",
            name="business_import_counts_add_up",
        ),
        sa.CheckConstraint("(leased_by IS NULL) = (leased_until IS NULL)", name="business_import_lease_whole"),
        sa.CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="business_import_failed_for_a_reason"),
        sa.CheckConstraint("(wrapped IS NULL) = (purged_at IS NOT NULL)", name="business_import_key_until_purged"),
        sa.CheckConstraint("length_bytes > 0", name="business_import_not_empty"),
        sa.CheckConstraint("version > 0", name="business_import_version_positive"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("business_import_by_subject", "business_import", ["subject", "id"])
    op.create_index(
        "business_import_to_do", "business_import", ["created_at"],
        postgresql_where=sa.text("state IN ('uploaded', 'previewing', 'importing')"),
    )  # fmt: skip
    op.create_index(
        "business_import_to_purge", "business_import", ["created_at"], postgresql_where=sa.text("purged_at IS NULL")
    )
    op.create_table(
        "business_import_chunk",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('file', 'rows')", name="business_import_chunk_kind_known"),
        sa.ForeignKeyConstraint(["import_id"], ["business_import.id"]),
        sa.PrimaryKeyConstraint("import_id", "kind", "no"),
    )
    op.create_table(
        "business_import_finding",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("column", sa.Text(), nullable=False),
        sa.Column("heading", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("refuses", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["business_import.id"]),
        sa.PrimaryKeyConstraint("import_id", "no"),
    )


def downgrade() -> None:
    for table in ("business_import_finding", "business_import_chunk", "business_import"):
        op.drop_table(table)
    op.drop_index("business_name", "business")
    op.drop_index("business_document", "business")
