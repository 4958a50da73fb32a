"""Handwashing stations: where they stand, their visits and reports, and when they could not be used."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "station",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.String(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("crowd_level", sa.String(), nullable=True),
        sa.Column("people_per_day", sa.Integer(), nullable=False),
        sa.Column("water_capacity_millilitre", sa.Integer(), nullable=False),
        sa.Column("soap_capacity_millilitre", sa.Integer(), nullable=False),
        sa.Column("water_first_millilitre", sa.Integer(), nullable=False),
        sa.Column("soap_first_millilitre", sa.Integer(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("removal_posting_id", sa.Uuid(), nullable=True),
        sa.Column("report_code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("water_left_millilitre", sa.Integer(), nullable=False),
        sa.Column("soap_left_millilitre", sa.Integer(), nullable=False),
        sa.Column("last_visit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_visit_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_visit_because", sa.String(), nullable=False),
        sa.Column("water_use_millilitre_per_day", sa.BigInteger(), nullable=False),
        sa.Column("water_use_measured", sa.Boolean(), nullable=False),
        sa.Column("soap_use_millilitre_per_day", sa.BigInteger(), nullable=False),
        sa.Column("soap_use_measured", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(state = 'removed' AND removed_at >= placed_at AND removal_posting_id IS NOT NULL AND outcome IS NOT NULL) OR (state <> 'removed' AND removed_at IS NULL AND removal_posting_id IS NULL AND outcome IS NULL)",
            name="station_removal",
        ),
        sa.CheckConstraint(
            "crowd_level IS NULL OR crowd_level IN ('low', 'medium', 'high')", name="station_crowd_level_known"
        ),
        sa.CheckConstraint(
            "next_visit_because IN ('water', 'soap', 'regular', 'reported_dry', 'dry', 'broken')",
            name="station_next_visit_because_known",
        ),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('returned', 'damaged', 'lost')", name="station_outcome_known"
        ),
        sa.CheckConstraint(
            "state IN ('working', 'reported_dry', 'dry', 'broken', 'removed')", name="station_state_known"
        ),
        sa.CheckConstraint("people_per_day BETWEEN 0 AND 100000", name="station_people_per_day"),
        sa.CheckConstraint(
            "soap_capacity_millilitre BETWEEN 1 AND 100000 AND soap_first_millilitre BETWEEN 0 AND soap_capacity_millilitre",
            name="station_soap",
        ),
        sa.CheckConstraint(
            "water_capacity_millilitre BETWEEN 1 AND 10000000 AND water_first_millilitre BETWEEN 0 AND water_capacity_millilitre",
            name="station_water",
        ),
        sa.CheckConstraint(
            "water_use_millilitre_per_day >= 0 AND soap_use_millilitre_per_day >= 0", name="station_use_not_negative"
        ),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["posting_id"],
            ["posting.id"],
        ),
        sa.ForeignKeyConstraint(
            ["removal_posting_id"],
            ["posting.id"],
        ),
        sa.ForeignKeyConstraint(
            ["site"],
            ["place.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("posting_id"),
        sa.UniqueConstraint("region", "code", name="station_code_in_region"),
        sa.UniqueConstraint("removal_posting_id"),
        sa.UniqueConstraint("report_code_hash"),
    )
    op.create_index("station_by_region", "station", ["region", "next_visit_at", "id"], unique=False)
    op.create_table(
        "station_outage",
        sa.Column("station_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.CheckConstraint("state IN ('dry', 'broken')", name="station_outage_state_known"),
        sa.CheckConstraint("ended_at IS NULL OR ended_at > began_at", name="station_outage_lasts"),
        sa.ForeignKeyConstraint(
            ["station_id"],
            ["station.id"],
        ),
        sa.PrimaryKeyConstraint("station_id", "began_at"),
    )
    op.create_index(
        "station_outage_open_once",
        "station_outage",
        ["station_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "station_report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.Uuid(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("by_staff", sa.Boolean(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.CheckConstraint("problem IN ('dry', 'no_soap', 'broken', 'other')", name="station_report_problem_known"),
        sa.ForeignKeyConstraint(
            ["station_id"],
            ["station.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("station_report_by_station", "station_report", ["station_id", "reported_at"], unique=False)
    op.create_table(
        "station_visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("seen", sa.String(), nullable=False),
        sa.Column("repaired", sa.Boolean(), nullable=False),
        sa.Column("water_before_millilitre", sa.Integer(), nullable=False),
        sa.Column("soap_before_millilitre", sa.Integer(), nullable=False),
        sa.Column("water_added_millilitre", sa.Integer(), nullable=False),
        sa.Column("soap_added_millilitre", sa.Integer(), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(), nullable=True),
        sa.CheckConstraint("NOT repaired OR seen = 'broken'", name="station_visit_repairs_what_is_broken"),
        sa.CheckConstraint(
            "seen = 'broken' OR (seen = 'dry') = (water_before_millilitre = 0 OR soap_before_millilitre = 0)",
            name="station_visit_seen_as_measured",
        ),
        sa.CheckConstraint("seen IN ('working', 'dry', 'broken')", name="station_visit_seen_known"),
        sa.CheckConstraint("occurred_at <= recorded_at", name="station_visit_not_in_the_future"),
        sa.CheckConstraint(
            "water_before_millilitre BETWEEN 0 AND 10000000 AND water_added_millilitre BETWEEN 0 AND 10000000 AND soap_before_millilitre BETWEEN 0 AND 100000 AND soap_added_millilitre BETWEEN 0 AND 100000",
            name="station_visit_levels",
        ),
        sa.ForeignKeyConstraint(
            ["posting_id"],
            ["posting.id"],
        ),
        sa.ForeignKeyConstraint(
            ["station_id"],
            ["station.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("posting_id"),
        sa.UniqueConstraint("station_id", "occurred_at", name="station_visit_one_at_a_moment"),
    )


def downgrade() -> None:
    op.drop_table("station_visit")
    op.drop_index("station_report_by_station", table_name="station_report")
    op.drop_table("station_report")
    op.drop_index("station_outage_open_once", table_name="station_outage", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("station_outage")
    op.drop_index("station_by_region", table_name="station")
    op.drop_table("station")
