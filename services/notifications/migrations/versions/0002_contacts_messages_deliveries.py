"""Contacts, messages and their delivery, whose states never move back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


KEEP_ORDER = """
    CREATE FUNCTION delivery_keep_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
            ('queued', 'sending'), ('queued', 'failed'),
            ('sending', 'queued'), ('sending', 'accepted'), ('sending', 'delivered'), ('sending', 'failed'),
            ('sending', 'unknown'),
            ('unknown', 'accepted'), ('unknown', 'delivered'), ('unknown', 'failed'),
            ('accepted', 'delivered'), ('accepted', 'failed')
        ) THEN
            RAISE EXCEPTION 'a delivery never goes from % to %', OLD.state, NEW.state
                USING ERRCODE = 'check_violation';
        END IF;
        IF OLD.accepted_at IS DISTINCT FROM NEW.accepted_at AND OLD.accepted_at IS NOT NULL THEN
            RAISE EXCEPTION 'the moment of acceptance stays' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "contact",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("language IN ('id', 'en')", name="contact_language_known"),
        sa.CheckConstraint("region ~ '^[0-9]{2}(\\.[0-9]{2}){0,2}(\\.[0-9]{4})?$'", name="contact_region_well_formed"),
        sa.CheckConstraint("length(email) BETWEEN 3 AND 254", name="contact_email_length"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name="contact_name_length"),
        sa.CheckConstraint("length(phone) BETWEEN 1 AND 16", name="contact_phone_length"),
        sa.PrimaryKeyConstraint("owner_id"),
    )
    op.create_table(
        "contact_business",
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("trading", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "region ~ '^[0-9]{2}(\\.[0-9]{2}){0,2}(\\.[0-9]{4})?$'", name="contact_business_region_well_formed"
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name="contact_business_name_length"),
        sa.PrimaryKeyConstraint("business_id"),
    )
    op.create_index("contact_business_owner", "contact_business", ["owner_id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("language IN ('id', 'en')", name="message_language_known"),
        sa.CheckConstraint("person ~ '^(owner|staff)/.{1,200}$'", name="message_person_well_formed"),
        sa.CheckConstraint("urgency IN ('required', 'invitation', 'information')", name="message_urgency_known"),
        sa.CheckConstraint("length(body) BETWEEN 1 AND 320", name="message_body_length"),
        sa.CheckConstraint("length(fact) BETWEEN 1 AND 200", name="message_fact_length"),
        sa.CheckConstraint("length(purpose) BETWEEN 1 AND 40", name="message_purpose_length"),
        sa.CheckConstraint("length(region) BETWEEN 2 AND 13", name="message_region_length"),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 80", name="message_title_length"),
        sa.CheckConstraint("length(traceparent) <= 55", name="message_traceparent_length"),
        sa.CheckConstraint("length(why) BETWEEN 1 AND 160", name="message_why_length"),
        sa.CheckConstraint("read_at >= created_at", name="message_read_after_created"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("fact", "person", "purpose", name="message_once"),
    )
    op.create_index(
        "message_inbox",
        "message",
        ["person", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "staff_member",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("regions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("language IN ('id', 'en')", name="staff_member_language_known"),
        sa.CheckConstraint(
            "role IN ('regency_officer', 'province_staff', 'auditor', 'operator')", name="staff_member_role_known"
        ),
        sa.CheckConstraint("cardinality(regions) BETWEEN 1 AND 50", name="staff_member_regions_present"),
        sa.CheckConstraint("length(email) BETWEEN 3 AND 254", name="staff_member_email_length"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name="staff_member_name_length"),
        sa.CheckConstraint("length(subject) BETWEEN 1 AND 200", name="staff_member_subject_length"),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_index("staff_member_regions", "staff_member", ["regions"], unique=False, postgresql_using="gin")
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_by", sa.Uuid(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('email')", name="delivery_channel_known"),
        sa.CheckConstraint(
            "reason IN ('refused', 'errors', 'no_address', 'bad_address', 'too_old', 'answer_lost')",
            name="delivery_reason_known",
        ),
        sa.CheckConstraint(
            "state <> 'sending' OR (leased_by IS NOT NULL AND leased_until IS NOT NULL)", name="delivery_sending_leased"
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'accepted', 'delivered', 'failed', 'unknown')", name="delivery_state_known"
        ),
        sa.CheckConstraint(
            "state NOT IN ('accepted', 'delivered') OR accepted_at IS NOT NULL", name="delivery_accepted_at_given"
        ),
        sa.CheckConstraint("state NOT IN ('failed', 'unknown') OR reason IS NOT NULL", name="delivery_reason_given"),
        sa.CheckConstraint("attempts BETWEEN 0 AND 3", name="delivery_attempts_limited"),
        sa.CheckConstraint("length(person) BETWEEN 7 AND 206", name="delivery_person_length"),
        sa.CheckConstraint("length(region) BETWEEN 2 AND 13", name="delivery_region_length"),
        sa.CheckConstraint("length(reply) <= 300", name="delivery_reply_length"),
        sa.CheckConstraint("length(traceparent) <= 55", name="delivery_traceparent_length"),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("message_id", "channel", name="delivery_once"),
    )
    op.create_index(
        "delivery_age", "delivery", ["created_at"], unique=False, postgresql_where=sa.text("state = 'queued'")
    )
    op.create_index(
        "delivery_due", "delivery", ["due_at", "id"], unique=False, postgresql_where=sa.text("state = 'queued'")
    )
    op.create_index(
        "delivery_leased", "delivery", ["leased_until"], unique=False, postgresql_where=sa.text("state = 'sending'")
    )
    op.execute(KEEP_ORDER)
    op.execute(
        "CREATE TRIGGER delivery_keep_order BEFORE UPDATE OF state, accepted_at ON delivery"
        " FOR EACH ROW EXECUTE FUNCTION delivery_keep_order()"
    )


def downgrade() -> None:
    op.drop_table("delivery")
    op.execute("DROP FUNCTION delivery_keep_order()")
    op.drop_table("message")
    op.drop_table("staff_member")
    op.drop_table("contact_business")
    op.drop_table("contact")
