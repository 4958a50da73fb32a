"""Who takes part in trainings: seats, enrolments with their steps, attendance, and certificates with their numbers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = (
    "state IN ('applied', 'eligible', 'ineligible', 'offered', 'accepted', 'declined', 'expired', 'waitlisted',"
    " 'withdrawn')"
)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _trainings()
    _enrolments()
    _attendance()
    _certificates()


def _trainings() -> None:
    op.add_column("training", sa.Column("seats_taken", sa.Integer(), server_default="0", nullable=False))
    op.add_column("training", sa.Column("applications", sa.Integer(), server_default="0", nullable=False))
    op.add_column("training", sa.Column("attendance_percent", sa.SmallInteger(), server_default="80", nullable=False))
    op.add_column("training", sa.Column("finished_at", MOMENT, nullable=True))
    op.drop_constraint("training_state_known", "training")
    op.create_check_constraint("training_state_known", "training", "state IN ('announced', 'cancelled', 'finished')")
    op.create_check_constraint(
        "training_finished_at_a_moment", "training", "(state = 'finished') = (finished_at IS NOT NULL)"
    )
    op.create_check_constraint("training_seats_taken_within_seats", "training", "seats_taken BETWEEN 0 AND seats")
    op.create_check_constraint("training_applications", "training", "applications BETWEEN 0 AND 5000")
    op.create_check_constraint("training_attendance_percent", "training", "attendance_percent BETWEEN 1 AND 100")
    op.add_column("training_session", sa.Column("venue", sa.Text(), nullable=True))
    op.add_column("training_session", sa.Column("cancelled_at", MOMENT, nullable=True))
    op.add_column("training_session", sa.Column("cancel_reason", sa.Text(), nullable=True))
    op.create_check_constraint(
        "training_session_cancelled_why", "training_session", "(cancelled_at IS NULL) = (cancel_reason IS NULL)"
    )
    op.drop_constraint("training_session_one_a_day", "training_session")
    op.create_index(
        "training_session_one_a_day",
        "training_session",
        ["training_id", "held_on"],
        unique=True,
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )


def _enrolments() -> None:
    op.create_table(
        "enrolment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reasons", ARRAY(sa.Text()), nullable=False),
        sa.Column("override_reason", sa.Text(), nullable=True),
        sa.Column("applied_at", MOMENT, nullable=False),
        sa.Column("need_points", sa.Integer(), nullable=True),
        sa.Column("need_explained", sa.Text(), nullable=True),
        sa.Column("answer_by", MOMENT, nullable=True),
        sa.Column("ticket", sa.Uuid(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(STATES, name="enrolment_state_known"),
        sa.CheckConstraint("(state = 'offered') = (answer_by IS NOT NULL)", name="enrolment_offer_has_a_deadline"),
        sa.CheckConstraint("(state = 'accepted') = (ticket IS NOT NULL)", name="enrolment_seat_has_a_ticket"),
        sa.CheckConstraint(
            "state <> 'ineligible' OR cardinality(reasons) > 0", name="enrolment_ineligible_for_a_reason"
        ),
        sa.CheckConstraint("step >= 0 AND version > 0", name="enrolment_step_counted"),
        sa.CheckConstraint("(need_points IS NULL) = (need_explained IS NULL)", name="enrolment_need_is_explained"),
        sa.ForeignKeyConstraint(["training_id"], ["training.id"]),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("training_id", "business_id", name="enrolment_once"),
        sa.UniqueConstraint("ticket", name="enrolment_ticket_key"),
    )
    op.create_index("enrolment_queue", "enrolment", ["training_id", "applied_at", "id"])
    op.create_index("enrolment_of_business", "enrolment", ["business_id", "id"])
    op.create_index("enrolment_open_offers", "enrolment", ["answer_by"], postgresql_where=sa.text("state = 'offered'"))
    op.create_table(
        "enrolment_step",
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(STATES, name="enrolment_step_state_known"),
        sa.CheckConstraint(
            "how IN ('online', 'phone', 'paper', 'reply', 'walk_in', 'office', 'rule')",
            name="enrolment_step_how_known",
        ),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"]),
        sa.PrimaryKeyConstraint("enrolment_id", "no"),
    )


def _attendance() -> None:
    op.create_table(
        "attendance",
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("session_no", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("scan_id", sa.Uuid(), nullable=True),
        sa.Column("scanned_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint("(scan_id IS NULL) = (scanned_at IS NULL)", name="attendance_scan_has_a_moment"),
        sa.CheckConstraint("(scan_id IS NULL) = (reason IS NOT NULL)", name="attendance_by_hand_for_a_reason"),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"]),
        sa.ForeignKeyConstraint(
            ["training_id", "session_no"],
            ["training_session.training_id", "training_session.no"],
            name="attendance_session",
        ),
        sa.PrimaryKeyConstraint("enrolment_id", "session_no"),
        sa.UniqueConstraint("training_id", "scan_id", name="attendance_scan_key"),
    )
    op.create_index("attendance_of_session", "attendance", ["training_id", "session_no", "enrolment_id"])


def _certificates() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("attended", sa.SmallInteger(), nullable=False),
        sa.Column("held", sa.SmallInteger(), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.Column("revoke_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("attended BETWEEN 1 AND held", name="certificate_attended_of_held"),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoke_reason IS NULL)", name="certificate_revoked_why"),
        sa.ForeignKeyConstraint(["training_id"], ["training.id"]),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("certificate_number_key", "certificate", ["number"], unique=True)
    op.create_index("certificate_enrolment_key", "certificate", ["enrolment_id"], unique=True)
    op.create_index("certificate_of_training", "certificate", ["training_id", "id"])
    op.create_table(
        "certificate_series",
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.CheckConstraint("last > 0", name="certificate_series_last_positive"),
        sa.PrimaryKeyConstraint("region", "year"),
    )


def downgrade() -> None:
    for table in ("certificate_series", "certificate", "attendance", "enrolment_step", "enrolment"):
        op.drop_table(table)
    op.drop_index("training_session_one_a_day", table_name="training_session")
    op.create_unique_constraint("training_session_one_a_day", "training_session", ["training_id", "held_on"])
    op.drop_constraint("training_session_cancelled_why", "training_session")
    for column in ("cancel_reason", "cancelled_at", "venue"):
        op.drop_column("training_session", column)
    op.drop_constraint("training_state_known", "training")
    op.drop_constraint("training_finished_at_a_moment", "training")
    op.create_check_constraint("training_state_known", "training", "state IN ('announced', 'cancelled')")
    for column in ("finished_at", "attendance_percent", "applications", "seats_taken"):
        op.drop_column("training", column)
