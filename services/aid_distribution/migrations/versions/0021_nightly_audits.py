"""Nightly audits of the ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_audit",
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failed", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked", postgresql.JSONB(), nullable=True),
        sa.Column("found", sa.BigInteger(), nullable=True),
        sa.Column("findings", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint("attempts BETWEEN 1 AND 3", name="ledger_audit_attempts"),
        sa.CheckConstraint("lease_until >= started_at", name="ledger_audit_lease"),
        sa.CheckConstraint("ended_at >= started_at", name="ledger_audit_ended_after_started"),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (found IS NULL) AND (ended_at IS NULL) = (checked IS NULL)"
            " AND (ended_at IS NULL) = (findings IS NULL)",
            name="ledger_audit_ended_has_outcome",
        ),
        sa.CheckConstraint(
            "jsonb_array_length(findings) = least(found, 100) AND found >= 0", name="ledger_audit_findings"
        ),
        sa.PrimaryKeyConstraint("night"),
    )


def downgrade() -> None:
    op.drop_table("ledger_audit")
