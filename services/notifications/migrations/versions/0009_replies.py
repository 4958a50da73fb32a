"""Replies of owners, and the offers that they answer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reply",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("provider_id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("meaning", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("owner_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("enrolment_id", sa.Uuid(), nullable=True),
        sa.Column("choices", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("channel ~ '^[a-z_]{1,20}$'", name="reply_channel_form"),
        sa.CheckConstraint("length(provider_id) BETWEEN 1 AND 200", name="reply_provider_id_length"),
        sa.CheckConstraint("length(sender) <= 254", name="reply_sender_length"),
        sa.CheckConstraint("length(text) <= 1000", name="reply_text_length"),
        sa.CheckConstraint("meaning IN ('yes', 'no', 'stop', 'start', 'other')", name="reply_meaning_known"),
        sa.CheckConstraint(
            "outcome IN ('answered', 'asked_which', 'no_offer', 'too_late', 'stopped', 'started', 'passed_on',"
            " 'unknown_sender')",
            name="reply_outcome_known",
        ),
        sa.CheckConstraint("(outcome = 'answered') <= (enrolment_id IS NOT NULL)", name="reply_answer_names_its_offer"),
        sa.CheckConstraint("(outcome = 'unknown_sender') = (region IS NULL)", name="reply_known_sender_has_a_region"),
        sa.CheckConstraint("cardinality(owner_ids) <= 20 AND cardinality(choices) <= 9", name="reply_limits"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("channel", "provider_id", name="reply_once"),
    )
    op.create_index("reply_owners", "reply", ["owner_ids"], unique=False, postgresql_using="gin")
    op.create_index(
        "reply_words", "reply", ["received_at"], unique=False, postgresql_where=sa.text("text <> '' OR sender <> ''")
    )
    op.create_table(
        "seat_offer",
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered", sa.Text(), nullable=True),
        sa.CheckConstraint("answered IN ('yes', 'no')", name="seat_offer_answer_known"),
        sa.CheckConstraint("step > 0", name="seat_offer_step_counted"),
        sa.CheckConstraint("length(title) BETWEEN 1 AND 200", name="seat_offer_title_length"),
        sa.PrimaryKeyConstraint("enrolment_id"),
    )
    op.create_index("seat_offer_open", "seat_offer", ["business_id"], unique=False, postgresql_where=sa.text("open"))
    op.create_table(
        "training_over",
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("training_id"),
    )
    op.create_index("contact_phone", "contact", ["phone"], unique=False, postgresql_where=sa.text("phone IS NOT NULL"))
    op.create_index(
        "contact_email",
        "contact",
        [sa.text("lower(email)")],
        unique=False,
        postgresql_where=sa.text("email IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("contact_email", "contact")
    op.drop_index("contact_phone", "contact")
    op.drop_table("training_over")
    op.drop_table("seat_offer")
    op.drop_table("reply")
