"""Family cards, what was revealed to whom, acts with personal data, and people whose data may only be stored or are gone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

APPEND_ONLY = ("reveal", "person_act")


def upgrade() -> None:
    op.add_column("owner", sa.Column("restricted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("owner", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        "owner_erased_holds_nothing",
        "owner",
        "erased_at IS NULL OR (nik_sealed IS NULL AND phone IS NULL AND email IS NULL)",
    )
    op.create_table(
        "owner_kk",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("kk_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("kk_index", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.CheckConstraint("octet_length(kk_index) = 32", name="owner_kk_index_length"),
        sa.CheckConstraint("since < until", name="owner_kk_days_ascend"),
        sa.CheckConstraint("length(recorded_by) BETWEEN 1 AND 200", name="owner_kk_recorded_by_length"),
        sa.ForeignKeyConstraint(["owner_id"], ["owner.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner_id", "since", name="owner_kk_one_a_day"),
    )
    op.create_index(
        "owner_kk_current", "owner_kk", ["owner_id"], unique=True, postgresql_where=sa.text("until IS NULL")
    )
    op.create_index("owner_kk_by_index", "owner_kk", ["kk_index"])
    op.create_table(
        "reveal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("field IN ('nik', 'kk', 'annual_sales')", name="reveal_field_known"),
        sa.CheckConstraint("length(actor) BETWEEN 1 AND 200", name="reveal_actor_length"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 200", name="reveal_reason_length"),
        sa.CheckConstraint("no BETWEEN 1 AND 50", name="reveal_within_the_limit"),
        sa.ForeignKeyConstraint(["owner_id"], ["owner.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("actor", "day", "no", name="reveal_counted_once"),
    )
    op.create_index("reveal_by_owner", "reveal", ["owner_id", "id"])
    op.create_index("reveal_by_region", "reveal", ["region", "id"])
    op.create_table(
        "person_act",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("counts", JSONB(), nullable=False),
        sa.CheckConstraint(
            "act IN ('export', 'restrict', 'release', 'erase', 'rotate', 'retention')", name="person_act_known"
        ),
        sa.CheckConstraint("act <> 'erase' OR owner_id IS NULL", name="person_act_keeps_no_erased_person"),
        sa.CheckConstraint("length(actor) BETWEEN 1 AND 200", name="person_act_actor_length"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 500", name="person_act_reason_length"),
        sa.ForeignKeyConstraint(["owner_id"], ["owner.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("person_act_by_owner", "person_act", ["owner_id", "id"])
    op.execute(
        """
        CREATE FUNCTION refuse_change_of_record() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_record()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_record()"
        )


def downgrade() -> None:
    for table in ("person_act", "reveal", "owner_kk"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change_of_record()")
    op.drop_constraint("owner_erased_holds_nothing", "owner", type_="check")
    op.drop_column("owner", "erased_at")
    op.drop_column("owner", "restricted_at")
