"""Broadcasts, and what their audiences are found by: the sector of a business, and how it stands with a training."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STATES = "state IN ('draft', 'submitted', 'running', 'paused', 'rejected', 'done', 'cancelled', 'expired')"
STANDINGS = "'offered', 'accepted', 'declined', 'expired', 'waitlisted', 'withdrawn'"

KEEP_ORDER = """
    CREATE FUNCTION broadcast_keep_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
            ('draft', 'submitted'), ('draft', 'running'), ('draft', 'cancelled'),
            ('submitted', 'running'), ('submitted', 'rejected'), ('submitted', 'cancelled'), ('submitted', 'expired'),
            ('running', 'paused'), ('running', 'done'), ('running', 'cancelled'), ('running', 'expired'),
            ('paused', 'running'), ('paused', 'cancelled'), ('paused', 'expired')
        ) THEN
            RAISE EXCEPTION 'a broadcast never goes from % to %', OLD.state, NEW.state
                USING ERRCODE = 'check_violation';
        END IF;
        IF (OLD.urgency, OLD.title_id, OLD.body_id, OLD.title_en, OLD.body_en, OLD.regions, OLD.sectors, OLD.standings,
            OLD.training_id, OLD.starts_at, OLD.expires_at, OLD.drafted_by)
           IS DISTINCT FROM
           (NEW.urgency, NEW.title_id, NEW.body_id, NEW.title_en, NEW.body_en, NEW.regions, NEW.sectors, NEW.standings,
            NEW.training_id, NEW.starts_at, NEW.expires_at, NEW.drafted_by)
           OR (OLD.approved_by IS NOT NULL AND OLD.approved_by IS DISTINCT FROM NEW.approved_by) THEN
            RAISE EXCEPTION 'what a broadcast says, and to whom, stays as it was drafted'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
"""


def upgrade() -> None:
    op.add_column("contact_business", sa.Column("sector", sa.Text(), nullable=True))
    op.create_check_constraint("contact_business_sector_length", "contact_business", "length(sector) BETWEEN 1 AND 40")
    op.add_column("seat_offer", sa.Column("standing", sa.Text(), nullable=True))
    op.create_check_constraint("seat_offer_standing_known", "seat_offer", f"standing IN ({STANDINGS})")
    op.create_index("seat_offer_business", "seat_offer", ["business_id"], unique=False)
    op.drop_constraint("delivery_lane_known", "delivery", type_="check")
    op.create_check_constraint("delivery_lane_known", "delivery", "lane BETWEEN 0 AND 4")
    op.create_table(
        "broadcast",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("title_id", sa.Text(), nullable=False),
        sa.Column("body_id", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("regions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sectors", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("standings", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("training_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted_at", MOMENT, nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=True),
        sa.Column("submitted_at", MOMENT, nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", MOMENT, nullable=True),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("after", sa.Uuid(), nullable=True),
        sa.Column("worked_at", MOMENT, nullable=True),
        sa.Column("listed_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("steps", sa.SmallInteger(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.CheckConstraint(STATES, name="broadcast_state_known"),
        sa.CheckConstraint("urgency IN ('invitation', 'information')", name="broadcast_class_known"),
        sa.CheckConstraint(
            "length(title_id) BETWEEN 1 AND 80 AND length(title_en) BETWEEN 1 AND 80", name="broadcast_title_length"
        ),
        sa.CheckConstraint(
            "length(body_id) BETWEEN 1 AND 320 AND length(body_en) BETWEEN 1 AND 320", name="broadcast_body_length"
        ),
        sa.CheckConstraint("cardinality(regions) BETWEEN 1 AND 50", name="broadcast_regions_present"),
        sa.CheckConstraint("cardinality(sectors) <= 20", name="broadcast_sectors_limited"),
        sa.CheckConstraint(f"standings <@ ARRAY[{STANDINGS}, 'none']", name="broadcast_standings_known"),
        sa.CheckConstraint("expires_at > drafted_at AND expires_at > starts_at", name="broadcast_of_use"),
        sa.CheckConstraint("approved_by <> drafted_by AND approved_by <> submitted_by", name="broadcast_second_person"),
        sa.CheckConstraint("(approved_by IS NULL) = (approved_at IS NULL)", name="broadcast_approval_whole"),
        sa.CheckConstraint("(submitted_by IS NULL) = (submitted_at IS NULL)", name="broadcast_submission_whole"),
        sa.CheckConstraint(
            "state NOT IN ('running', 'paused', 'done') OR (submitted_by IS NOT NULL AND counted IS NOT NULL)",
            name="broadcast_let_go_by_somebody",
        ),
        sa.CheckConstraint(
            "approved_by IS NOT NULL OR (told <= 500 AND (counted <= 500"
            " OR state IN ('submitted', 'rejected', 'cancelled', 'expired')))",
            name="broadcast_many_approved",
        ),
        sa.CheckConstraint("told >= 0 AND counted >= 0", name="broadcast_counts"),
        sa.CheckConstraint(
            "(state IN ('rejected', 'done', 'cancelled', 'expired')) = (ended_at IS NOT NULL)", name="broadcast_ends"
        ),
        sa.CheckConstraint("state <> 'done' OR listed_at IS NOT NULL", name="broadcast_done_when_listed"),
        sa.CheckConstraint("length(traceparent) <= 55", name="broadcast_traceparent_length"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "broadcast_open",
        "broadcast",
        ["worked_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('submitted', 'running', 'paused')"),
    )
    op.create_table(
        "broadcast_step",
        sa.Column("broadcast_id", sa.Uuid(), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(STATES, name="broadcast_step_state_known"),
        sa.CheckConstraint("no BETWEEN 1 AND 1000", name="broadcast_step_counted"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 200", name="broadcast_step_reason_length"),
        sa.CheckConstraint("state <> 'rejected' OR reason IS NOT NULL", name="broadcast_step_rejection_reasoned"),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"]),
        sa.PrimaryKeyConstraint("broadcast_id", "no"),
    )
    op.create_table(
        "broadcast_recipient",
        sa.Column("broadcast_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("person ~ '^owner/.{1,200}$'", name="broadcast_recipient_person_well_formed"),
        sa.CheckConstraint("outcome IN ('outside', 'inbox', 'withheld')", name="broadcast_recipient_outcome_known"),
        sa.CheckConstraint(
            "reason IN ('stopped', 'no_consent', 'no_contact', 'preference', 'digest', 'too_late', 'restricted',"
            " 'erased')",
            name="broadcast_recipient_reason_known",
        ),
        sa.CheckConstraint("(outcome = 'outside') = (reason IS NULL)", name="broadcast_recipient_reason_given"),
        sa.CheckConstraint("(outcome = 'withheld') = (message_id IS NULL)", name="broadcast_recipient_has_its_message"),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"]),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"]),
        sa.PrimaryKeyConstraint("broadcast_id", "person"),
        sa.UniqueConstraint("message_id", name="broadcast_recipient_message_once"),
    )
    op.create_index("broadcast_recipient_person", "broadcast_recipient", ["person"], unique=False)
    op.execute(KEEP_ORDER)
    op.execute(
        "CREATE TRIGGER broadcast_keep_order BEFORE UPDATE ON broadcast"
        " FOR EACH ROW EXECUTE FUNCTION broadcast_keep_order()"
    )


def downgrade() -> None:
    op.drop_table("broadcast_recipient")
    op.drop_table("broadcast_step")
    op.drop_table("broadcast")
    op.execute("DROP FUNCTION broadcast_keep_order()")
    op.execute("UPDATE delivery SET lane = 3 WHERE lane = 4")
    op.drop_constraint("delivery_lane_known", "delivery", type_="check")
    op.create_check_constraint("delivery_lane_known", "delivery", "lane BETWEEN 0 AND 3")
    op.drop_index("seat_offer_business", "seat_offer")
    op.drop_constraint("seat_offer_standing_known", "seat_offer", type_="check")
    op.drop_column("seat_offer", "standing")
    op.drop_constraint("contact_business_sector_length", "contact_business", type_="check")
    op.drop_column("contact_business", "sector")
