"""Limits per recipient, and what each business received."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

HISTORY = "distribution_business_by_business"


def upgrade() -> None:
    repeat_the_distribution()
    op.create_table(
        "distribution_share",
        sa.Column("distribution_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000000000", name="distribution_share_quantity"),
        sa.ForeignKeyConstraint(
            ["distribution_id", "business_id"],
            ["distribution_business.distribution_id", "distribution_business.business_id"],
        ),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.PrimaryKeyConstraint("distribution_id", "business_id", "item"),
    )
    op.create_table(
        "distribution_evidence",
        sa.Column("distribution_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("photo_reference", sa.Text(), nullable=True),
        sa.Column("latitude_microdegrees", sa.Integer(), nullable=True),
        sa.Column("longitude_microdegrees", sa.Integer(), nullable=True),
        sa.Column("accuracy_metres", sa.Integer(), nullable=True),
        sa.Column("signature_name", sa.Text(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "photo_reference IS NOT NULL OR latitude_microdegrees IS NOT NULL OR signature_name IS NOT NULL",
            name="distribution_evidence_says_something",
        ),
        sa.CheckConstraint(
            "length(photo_reference) <= 200 AND length(signature_name) <= 200", name="distribution_evidence_short"
        ),
        sa.CheckConstraint(
            "latitude_microdegrees BETWEEN -90000000 AND 90000000 AND longitude_microdegrees BETWEEN -180000000 AND 180000000 AND accuracy_metres >= 0",
            name="distribution_evidence_on_earth",
        ),
        sa.CheckConstraint(
            "(latitude_microdegrees IS NULL) = (longitude_microdegrees IS NULL) AND (accuracy_metres IS NULL OR latitude_microdegrees IS NOT NULL)",
            name="distribution_evidence_whole_position",
        ),
        sa.ForeignKeyConstraint(["distribution_id"], ["distribution.id"]),
        sa.PrimaryKeyConstraint("distribution_id"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "limited_recipient",
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["business_id"], ["known_business.id"]),
        sa.PrimaryKeyConstraint("business_id"),
    )
    op.create_table(
        "recipient_limit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("quantity_max", sa.BigInteger(), nullable=True),
        sa.Column("times_max", sa.Integer(), nullable=True),
        sa.Column("period_days", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "programme IN ('free-masks', 'handwashing', 'cheap-market', 'training')",
            name="recipient_limit_programme_known",
        ),
        sa.CheckConstraint("quantity_max IS NOT NULL OR times_max IS NOT NULL", name="recipient_limit_says_how_much"),
        sa.CheckConstraint("quantity_max BETWEEN 1 AND 1000000000000", name="recipient_limit_quantity"),
        sa.CheckConstraint("times_max BETWEEN 1 AND 1000", name="recipient_limit_times"),
        sa.CheckConstraint("period_days BETWEEN 1 AND 3660", name="recipient_limit_period"),
        sa.CheckConstraint("valid_to >= valid_from - 1", name="recipient_limit_ends_after_it_begins"),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("recipient_limit_by_programme", "recipient_limit", ["programme", "valid_from"], unique=False)
    op.create_index("known_business_by_region", "known_business", ["region", "id"], unique=False)
    batches()


def repeat_the_distribution() -> None:
    """Write beside each recipient under which programme and when, so that the history of a business is one scan."""
    op.add_column("distribution_business", sa.Column("programme", sa.String(), nullable=True))
    op.add_column("distribution_business", sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE distribution_business b SET programme = d.programme, occurred_at = d.occurred_at"
        " FROM distribution d WHERE d.id = b.distribution_id"
    )
    op.alter_column("distribution_business", "programme", nullable=False)
    op.alter_column("distribution_business", "occurred_at", nullable=False)
    op.drop_index(HISTORY, table_name="distribution_business")
    op.create_index(HISTORY, "distribution_business", ["business_id", "programme", "occurred_at"], unique=False)


def batches() -> None:
    op.create_table(
        "distribution_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("behind_seconds", sa.BigInteger(), nullable=False),
        sa.Column("posted", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.CheckConstraint("posted >= 0 AND duplicates >= 0 AND refused >= 0", name="distribution_batch_counts"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("distribution_batch_by_device", "distribution_batch", ["device", "arrived_at"], unique=False)
    op.create_table(
        "distribution_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("distribution_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint("octet_length(digest) = 32", name="distribution_entry_digest_length"),
        sa.ForeignKeyConstraint(["batch_id"], ["distribution_batch.id"]),
        sa.ForeignKeyConstraint(["distribution_id"], ["distribution.id"], initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("distribution_id"),
    )


def downgrade() -> None:
    op.drop_index("known_business_by_region", table_name="known_business")
    op.drop_table("distribution_entry")
    op.drop_index("distribution_batch_by_device", table_name="distribution_batch")
    op.drop_table("distribution_batch")
    op.drop_index("recipient_limit_by_programme", table_name="recipient_limit")
    op.drop_table("recipient_limit")
    op.drop_table("limited_recipient")
    op.drop_table("distribution_evidence")
    op.drop_table("distribution_share")
    op.drop_index(HISTORY, table_name="distribution_business")
    op.create_index(HISTORY, "distribution_business", ["business_id"], unique=False)
    op.drop_column("distribution_business", "occurred_at")
    op.drop_column("distribution_business", "programme")
