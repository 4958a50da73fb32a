"""Surveys: waves, who takes part in them, and their answers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "survey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("before_month", sa.Date(), nullable=False),
        sa.Column("now_month", sa.Date(), nullable=False),
        sa.Column("follows", sa.Uuid(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_by", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("title <> ''", name="survey_title_present"),
        sa.CheckConstraint("region ~ '^[0-9]{2}([.][0-9]{2})?$'", name="survey_region_form"),
        sa.CheckConstraint("closes_on BETWEEN opens_on AND opens_on + 366", name="survey_days_ascend"),
        sa.CheckConstraint("before_month < now_month AND now_month <= closes_on", name="survey_months_ascend"),
        sa.CheckConstraint(
            "extract(day FROM before_month) = 1 AND extract(day FROM now_month) = 1", name="survey_months_are_months"
        ),
        sa.CheckConstraint("follows <> id", name="survey_follows_another"),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (reason IS NULL)",
            name="survey_closed_with_reason",
        ),
        sa.CheckConstraint("version > 0", name="survey_version_positive"),
        sa.ForeignKeyConstraint(["follows"], ["survey.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("survey_by_opening", "survey", ["opens_on", "id"])
    op.create_index("survey_following", "survey", ["follows"])
    op.create_table(
        "survey_participant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invited_by", sa.Text(), nullable=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(invited_at IS NULL) = (code_hash IS NULL) AND (invited_at IS NULL) = (invited_by IS NULL)",
            name="survey_participant_invited_with_a_link",
        ),
        sa.CheckConstraint("octet_length(code_hash) = 32", name="survey_participant_code_hash_length"),
        sa.CheckConstraint("used_at IS NULL OR invited_at IS NOT NULL", name="survey_participant_used_a_link"),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.id"]),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("survey_id", "business_id", name="survey_participant_once"),
    )
    op.create_index("survey_participant_code", "survey_participant", ["code_hash"], unique=True)
    op.create_table(
        "survey_answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("sector", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("scale", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("turnover_before_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("turnover_now_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("turnover_decline_permille", sa.SmallInteger(), nullable=True),
        sa.Column("capacity_before", sa.Integer(), nullable=True),
        sa.Column("capacity_now", sa.Integer(), nullable=True),
        sa.Column("capacity_decline_permille", sa.SmallInteger(), nullable=True),
        sa.Column("workers_before", sa.Integer(), nullable=True),
        sa.Column("workers_now", sa.Integer(), nullable=True),
        sa.Column("workers_decline_permille", sa.SmallInteger(), nullable=True),
        sa.Column("answered_on", sa.Date(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('running', 'suspended', 'closed')", name="survey_answer_status_known"),
        sa.CheckConstraint("channel IN ('staff', 'link', 'import')", name="survey_answer_channel_known"),
        sa.CheckConstraint(
            "(turnover_before_sealed IS NULL) = (turnover_now_sealed IS NULL)", name="survey_answer_turnover_paired"
        ),
        sa.CheckConstraint(
            "turnover_decline_permille IS NULL OR (turnover_before_sealed IS NOT NULL"
            " AND turnover_decline_permille BETWEEN -10000 AND 1000)",
            name="survey_answer_turnover_decline",
        ),
        sa.CheckConstraint("(capacity_before IS NULL) = (capacity_now IS NULL)", name="survey_answer_capacity_paired"),
        sa.CheckConstraint(
            "capacity_before BETWEEN 0 AND 1000000000 AND capacity_now BETWEEN 0 AND 1000000000",
            name="survey_answer_capacity_plausible",
        ),
        sa.CheckConstraint(
            "capacity_decline_permille IS NOT DISTINCT FROM CASE WHEN capacity_before > 0 THEN greatest(-10000, floor((2000 * (capacity_before::bigint - capacity_now::bigint) + capacity_before::bigint)::numeric / (2 * capacity_before::bigint))) END",
            name="survey_answer_capacity_decline",
        ),
        sa.CheckConstraint("(workers_before IS NULL) = (workers_now IS NULL)", name="survey_answer_workers_paired"),
        sa.CheckConstraint(
            "workers_before BETWEEN 0 AND 1000000 AND workers_now BETWEEN 0 AND 1000000",
            name="survey_answer_workers_plausible",
        ),
        sa.CheckConstraint(
            "workers_decline_permille IS NOT DISTINCT FROM CASE WHEN workers_before > 0 THEN greatest(-10000, floor((2000 * (workers_before::bigint - workers_now::bigint) + workers_before::bigint)::numeric / (2 * workers_before::bigint))) END",
            name="survey_answer_workers_decline",
        ),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.id"]),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"]),
        sa.ForeignKeyConstraint(["owner_id"], ["owner.id"]),
        sa.ForeignKeyConstraint(["region"], ["region.code"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "survey_answer_one_active",
        "survey_answer",
        ["survey_id", "business_id"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_index("survey_answer_of_business", "survey_answer", ["business_id", "id"])
    op.create_index(
        "survey_answer_by_link",
        "survey_answer",
        ["survey_id", "recorded_at"],
        postgresql_where=sa.text("channel = 'link'"),
    )


def downgrade() -> None:
    for table in ("survey_answer", "survey_participant", "survey"):
        op.drop_table(table)
