"""Attendance that was written down by mistake: kept as it was, and none that a valid certificate rests on."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
RESTS = """
    CREATE FUNCTION refuse_loss_of_attendance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM certificate c WHERE c.enrolment_id = OLD.enrolment_id AND c.revoked_at IS NULL) THEN
            RAISE EXCEPTION 'a certificate rests on this attendance' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "attendance_taken_back",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("session_no", sa.SmallInteger(), nullable=False),
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("scan_id", sa.Uuid(), nullable=True),
        sa.Column("scanned_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("taken_back_at", MOMENT, nullable=False),
        sa.Column("taken_back_by", sa.Text(), nullable=False),
        sa.Column("taken_back_reason", sa.Text(), nullable=False),
        sa.CheckConstraint("(scan_id IS NULL) = (scanned_at IS NULL)", name="attendance_taken_back_scan_has_a_moment"),
        sa.CheckConstraint(
            "(scan_id IS NULL) = (reason IS NOT NULL)", name="attendance_taken_back_by_hand_for_a_reason"
        ),
        sa.CheckConstraint("length(taken_back_reason) BETWEEN 1 AND 200", name="attendance_taken_back_reason_length"),
        sa.CheckConstraint("taken_back_at >= recorded_at", name="attendance_taken_back_afterwards"),
        sa.ForeignKeyConstraint(["enrolment_id"], ["enrolment.id"]),
        sa.ForeignKeyConstraint(
            ["training_id", "session_no"],
            ["training_session.training_id", "training_session.no"],
            name="attendance_taken_back_session",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("training_id", "scan_id", name="attendance_taken_back_scan_key"),
    )
    op.create_index("attendance_taken_back_of_session", "attendance_taken_back", ["training_id", "session_no", "id"])
    op.create_index("attendance_taken_back_of_enrolment", "attendance_taken_back", ["enrolment_id", "session_no"])
    op.execute(RESTS)
    op.execute(
        "CREATE TRIGGER attendance_a_certificate_rests_on BEFORE DELETE ON attendance"
        " FOR EACH ROW EXECUTE FUNCTION refuse_loss_of_attendance()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER attendance_a_certificate_rests_on ON attendance")
    op.execute("DROP FUNCTION refuse_loss_of_attendance()")
    op.drop_table("attendance_taken_back")
