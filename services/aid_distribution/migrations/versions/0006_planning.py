"""Regions with their figures, what was handed out in them by day, and allocation plans."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

HANDED_OUT_BEFORE = """
    INSERT INTO handed_out_day (item, day, region, programme, quantity)
    SELECT l.item, (d.occurred_at AT TIME ZONE INTERVAL '7 hours')::date, d.region, d.programme, sum(l.quantity)
    FROM distribution d JOIN posting_line l ON l.posting_id = d.posting_id
    WHERE d.state = 'posted' GROUP BY 1, 2, 3, 4
"""


def upgrade() -> None:
    op.create_table(
        "known_region",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_system", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("population_year", sa.Integer(), nullable=True),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("code ~ '^[0-9]{2}[.][0-9]{2}$'", name="known_region_code_form"),
        sa.CheckConstraint("code_system = 'kemendagri'", name="known_region_code_system_known"),
        sa.CheckConstraint("kind IN ('regency', 'city')", name="known_region_kind_known"),
        sa.CheckConstraint("population BETWEEN 1 AND 1000000000", name="known_region_population"),
        sa.CheckConstraint("population_year BETWEEN 1945 AND 2100", name="known_region_population_year"),
        sa.CheckConstraint("households BETWEEN 1 AND population", name="known_region_households"),
        sa.PrimaryKeyConstraint("code"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "handed_out_day",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name="handed_out_day_not_negative"),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.PrimaryKeyConstraint("item", "day", "region", "programme"),
    )
    op.execute(HANDED_OUT_BEFORE)
    plans()


def plans() -> None:
    op.create_table(
        "allocation_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("from_place", sa.Text(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("supply", sa.BigInteger(), nullable=False),
        sa.Column("supply_given", sa.Boolean(), nullable=False),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.Column("per_thousand", sa.Integer(), nullable=True),
        sa.Column("received_since", sa.Date(), nullable=True),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("supply > 0", name="allocation_plan_supply_positive"),
        sa.CheckConstraint("allocated BETWEEN 0 AND supply", name="allocation_plan_within_supply"),
        sa.CheckConstraint("per_thousand > 0", name="allocation_plan_per_thousand_positive"),
        sa.CheckConstraint("received_since IS NULL OR per_thousand IS NOT NULL", name="allocation_plan_derived"),
        sa.CheckConstraint("version > 0", name="allocation_plan_version_positive"),
        sa.CheckConstraint(
            "(state = 'draft' AND settled_at IS NULL AND settled_by IS NULL AND reason IS NULL) OR"
            " (state = 'confirmed' AND settled_at IS NOT NULL AND settled_by IS NOT NULL AND reason IS NULL) OR"
            " (state = 'discarded' AND settled_at IS NOT NULL AND settled_by IS NOT NULL AND reason IS NOT NULL)",
            name="allocation_plan_state",
        ),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.ForeignKeyConstraint(["from_place"], ["place.code"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("allocation_plan_by_region", "allocation_plan", ["region", "id"])
    op.create_table(
        "allocation_line",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=True),
        sa.Column("population_given", sa.Boolean(), nullable=False),
        sa.Column("gross_need", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("need", sa.BigInteger(), nullable=False),
        sa.Column("derived", sa.Boolean(), nullable=False),
        sa.Column("decline_permille", sa.Integer(), nullable=False),
        sa.Column("pressure_permille", sa.Integer(), nullable=False),
        sa.Column("fair_quantity", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("population > 0", name="allocation_line_population_positive"),
        sa.CheckConstraint("received >= 0 AND gross_need >= 0", name="allocation_line_not_negative"),
        sa.CheckConstraint("need BETWEEN 0 AND gross_need", name="allocation_line_need"),
        sa.CheckConstraint(
            "decline_permille BETWEEN 0 AND 1000 AND pressure_permille BETWEEN 0 AND 1000",
            name="allocation_line_weights",
        ),
        sa.CheckConstraint("fair_quantity BETWEEN 0 AND need", name="allocation_line_fair_within_need"),
        sa.CheckConstraint("quantity >= 0", name="allocation_line_quantity_not_negative"),
        sa.CheckConstraint("transfer_id IS NULL OR quantity > 0", name="allocation_line_sent_is_something"),
        sa.ForeignKeyConstraint(["plan_id"], ["allocation_plan.id"]),
        sa.ForeignKeyConstraint(["region"], ["known_region.code"]),
        sa.ForeignKeyConstraint(["place"], ["place.code"]),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"]),
        sa.PrimaryKeyConstraint("plan_id", "region"),
        sa.UniqueConstraint("plan_id", "place", name="allocation_line_place_once"),
        sa.UniqueConstraint("transfer_id"),
    )
    op.create_table(
        "allocation_override",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("from_quantity", sa.BigInteger(), nullable=False),
        sa.Column("to_quantity", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("from_quantity >= 0 AND to_quantity >= 0", name="allocation_override_not_negative"),
        sa.CheckConstraint("from_quantity <> to_quantity", name="allocation_override_changes"),
        sa.CheckConstraint("reason <> ''", name="allocation_override_has_reason"),
        sa.ForeignKeyConstraint(["plan_id", "region"], ["allocation_line.plan_id", "allocation_line.region"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("allocation_override_by_line", "allocation_override", ["plan_id", "region", "id"])


def downgrade() -> None:
    op.drop_table("allocation_override")
    op.drop_table("allocation_line")
    op.drop_table("allocation_plan")
    op.drop_table("handed_out_day")
    op.drop_table("known_region")
