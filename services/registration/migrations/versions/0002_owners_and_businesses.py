"""Regions, owners with their keys, businesses, and the support that these received."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "region",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_system", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.CheckConstraint("code ~ '^[0-9]{2}[.][0-9]{2}$'", name="region_code_form"),
        sa.CheckConstraint("kind IN ('regency', 'city')", name="region_kind_known"),
        sa.CheckConstraint("population > 0", name="region_population_positive"),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "owner",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("nik_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("nik_index", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("language IN ('id', 'en')", name="owner_language_known"),
        sa.CheckConstraint("name <> ''", name="owner_name_present"),
        sa.CheckConstraint("phone ~ '^[+][0-9]{5,15}$'", name="owner_phone_e164"),
        sa.CheckConstraint("position('@' in email) > 1", name="owner_email_has_at"),
        sa.CheckConstraint("(nik_sealed IS NULL) = (nik_index IS NULL)", name="owner_nik_sealed_and_indexed"),
        sa.CheckConstraint("octet_length(nik_index) = 32", name="owner_nik_index_length"),
        sa.ForeignKeyConstraint(
            ["region"],
            ["region.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("owner_nik_index_key", "owner", ["nik_index"], unique=True)
    op.create_table(
        "person_key",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("purpose IN ('identity', 'turnover')", name="person_key_purpose_known"),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owner.id"],
        ),
        sa.PrimaryKeyConstraint("owner_id", "purpose"),
    )
    op.create_table(
        "business",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("kbli_code", sa.Text(), nullable=True),
        sa.Column("kbli_edition", sa.SmallInteger(), nullable=True),
        sa.Column("nib", sa.Text(), nullable=True),
        sa.Column("workers", sa.Integer(), nullable=True),
        sa.Column("investment_rupiah", sa.BigInteger(), nullable=True),
        sa.Column("annual_sales_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("annual_sales_on", sa.Date(), nullable=True),
        sa.Column("business_scale", sa.Text(), nullable=True),
        sa.Column("business_scale_rule", sa.Text(), nullable=True),
        sa.Column("industry_scale", sa.Text(), nullable=True),
        sa.Column("industry_scale_rule", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("state_document", sa.Text(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("business_scale IN ('micro', 'small', 'medium', 'large')", name="business_scale_known"),
        sa.CheckConstraint(
            "industry_scale IN ('micro', 'small', 'medium', 'large')", name="business_industry_scale_known"
        ),
        sa.CheckConstraint("kbli_code ~ '^[0-9]{5}$'", name="business_kbli_form"),
        sa.CheckConstraint("name <> ''", name="business_name_present"),
        sa.CheckConstraint("nib ~ '^[0-9]{13}$'", name="business_nib_form"),
        sa.CheckConstraint("sector ~ '^[a-z][a-z0-9_-]*$'", name="business_sector_form"),
        sa.CheckConstraint("state = 'active' OR state_reason IS NOT NULL", name="business_state_with_reason"),
        sa.CheckConstraint("state IN ('active', 'suspended', 'closed')", name="business_state_known"),
        sa.CheckConstraint("(annual_sales_sealed IS NULL) = (annual_sales_on IS NULL)", name="business_sales_with_day"),
        sa.CheckConstraint(
            "(business_scale IS NULL) = (annual_sales_sealed IS NULL)", name="business_scale_from_sales"
        ),
        sa.CheckConstraint("(business_scale IS NULL) = (business_scale_rule IS NULL)", name="business_scale_with_rule"),
        sa.CheckConstraint(
            "(industry_scale IS NULL) = (industry_scale_rule IS NULL)", name="business_industry_with_rule"
        ),
        sa.CheckConstraint("(kbli_code IS NULL) = (kbli_edition IS NULL)", name="business_kbli_with_edition"),
        sa.CheckConstraint("investment_rupiah >= 0", name="business_investment_not_negative"),
        sa.CheckConstraint("kbli_edition BETWEEN 1990 AND 2100", name="business_kbli_edition_plausible"),
        sa.CheckConstraint("version > 0", name="business_version_positive"),
        sa.CheckConstraint("workers >= 0", name="business_workers_not_negative"),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owner.id"],
        ),
        sa.ForeignKeyConstraint(
            ["region"],
            ["region.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("business_nib_key", "business", ["nib"], unique=True)
    op.create_index("business_owner", "business", ["owner_id"], unique=False)
    op.create_index("business_region", "business", ["region", "id"], unique=False)
    op.create_table(
        "support",
        sa.Column("distribution_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("place_name", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("public_heads", sa.Integer(), nullable=False),
        sa.Column("businesses_count", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("jsonb_typeof(lines) = 'array'", name="support_lines_are_a_list"),
        sa.CheckConstraint("(voided_at IS NULL) = (void_reason IS NULL)", name="support_void_with_reason"),
        sa.CheckConstraint("businesses_count > 0", name="support_businesses_count_positive"),
        sa.CheckConstraint("public_heads >= 0", name="support_public_heads_not_negative"),
        sa.PrimaryKeyConstraint("distribution_id", "business_id"),
    )
    op.create_index("support_of_business", "support", ["business_id", "occurred_at", "distribution_id"], unique=False)


def downgrade() -> None:
    op.drop_table("support")
    op.drop_table("business")
    op.drop_table("person_key")
    op.drop_table("owner")
    op.drop_table("region")
