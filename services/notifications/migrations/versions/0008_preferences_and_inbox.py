"""What people choose of how they are told, and what the inbox needs to be counted, digested and followed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHANNELS = "ARRAY['whatsapp', 'sms', 'email']"
XID = "((pg_current_xact_id())::text)::bigint"
KINDS = "ARRAY['stock_low', 'stock_out', 'stock_expiring', 'price', 'station', 'discrepancy', 'exception', 'not_told']"


def upgrade() -> None:
    op.create_table(
        "preference",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("required", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("invitation", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("information", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("digest", sa.Boolean(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("person ~ '^(owner|staff)/.{1,200}$'", name="preference_person_well_formed"),
        sa.CheckConstraint(f"required <@ {CHANNELS} AND cardinality(required) BETWEEN 1 AND 3", name="required_stays"),
        sa.CheckConstraint(f"invitation <@ {CHANNELS} AND cardinality(invitation) <= 3", name="invitation_known"),
        sa.CheckConstraint(f"information <@ {CHANNELS} AND cardinality(information) <= 3", name="information_known"),
        sa.CheckConstraint("language IN ('id', 'en')", name="preference_language_known"),
        sa.CheckConstraint("version >= 2", name="preference_version_counts"),
        sa.PrimaryKeyConstraint("person"),
    )
    op.create_table(
        "subscription",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("kinds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("regions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(f"kinds <@ {KINDS} AND cardinality(kinds) <= 8", name="subscription_kinds_known"),
        sa.CheckConstraint("cardinality(regions) BETWEEN 1 AND 50", name="subscription_regions_present"),
        sa.CheckConstraint("version >= 2", name="subscription_version_counts"),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.add_column("message", sa.Column("awaits_digest", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("message", sa.Column("changed_xid", sa.BigInteger(), server_default=sa.text(XID), nullable=False))
    op.create_check_constraint("message_digests_information", "message", "NOT awaits_digest OR urgency = 'information'")
    op.create_index(
        "message_awaits_digest", "message", ["person", "created_at"], postgresql_where=sa.text("awaits_digest")
    )
    op.create_index("message_unread", "message", ["person", "urgency"], postgresql_where=sa.text("read_at IS NULL"))
    op.create_index("message_changed", "message", ["person", "changed_xid"])


def downgrade() -> None:
    op.drop_index("message_changed", "message")
    op.drop_index("message_unread", "message")
    op.drop_index("message_awaits_digest", "message")
    op.drop_constraint("message_digests_information", "message")
    op.drop_column("message", "changed_xid")
    op.drop_column("message", "awaits_digest")
    op.drop_table("subscription")
    op.drop_table("preference")
