"""NIK look-ups: who looked for whom by a NIK, never changed."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "nik_lookup",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("no", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(actor) BETWEEN 1 AND 200", name="nik_lookup_actor_length"),
        sa.CheckConstraint("no BETWEEN 1 AND 200", name="nik_lookup_within_the_limit"),
        sa.ForeignKeyConstraint(["owner_id"], ["owner.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("actor", "day", "no", name="nik_lookup_counted_once"),
    )
    op.create_index("nik_lookup_by_owner", "nik_lookup", ["owner_id", "id"])
    op.create_index("nik_lookup_by_region", "nik_lookup", ["region", "id"])
    op.execute(
        "CREATE TRIGGER nik_lookup_append_only BEFORE UPDATE OR DELETE ON nik_lookup"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_record()"
    )
    op.execute(
        "CREATE TRIGGER nik_lookup_no_truncate BEFORE TRUNCATE ON nik_lookup"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_record()"
    )


def downgrade() -> None:
    op.drop_table("nik_lookup")
