"""Businesses that may be one: the keys that they share, the cases, and merges that can be undone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATES = ("active", "suspended", "closed")
# Every two of the first eight words; a business with one word alone has that word. In the statement itself and no
# function, which would be begun anew for every row.
FILL = """
    INSERT INTO duplicate_key (key, business_id)
    SELECT DISTINCT hashtext(concat_ws('|', b.region, one.word, other.word)), b.id
    FROM {searched} s JOIN business b ON b.id = s.business_id
    CROSS JOIN LATERAL (SELECT ARRAY(
        SELECT DISTINCT word FROM unnest(string_to_array(s.name || ' ' || s.owner, ' ')) AS word
        WHERE length(word) > 1 AND word NOT IN ('cv', 'ud', 'pt', 'pd', 'fa', 'tb', 'toko', 'usaha')
        ORDER BY word LIMIT 8) AS words OFFSET 0) AS told
    CROSS JOIN LATERAL unnest(told.words) AS one(word)
    CROSS JOIN LATERAL unnest(told.words) AS other(word)
    WHERE (one.word < other.word OR (one.word = other.word AND cardinality(told.words) = 1)) {where}
"""
FORGET = "DELETE FROM duplicate_key WHERE business_id {these}"
TRIGGER = "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$"
FRESH = FORGET.format(these="IN (SELECT business_id FROM fresh)")
MOVED = f"{FORGET.format(these='= NEW.id')}; {FILL.format(searched='business_search', where='AND b.id = NEW.id')}"
FAMILY = """
    CREATE FUNCTION business_family(business uuid) RETURNS SETOF uuid LANGUAGE sql STABLE STRICT AS $$
        WITH RECURSIVE family AS (
            SELECT $1 AS id UNION SELECT b.id FROM business b JOIN family f ON b.merged_into = f.id
        ) SELECT id FROM family $$
"""


def _states(*states: str) -> str:
    return f"state IN ({', '.join(repr(state) for state in states)})"


def upgrade() -> None:
    op.add_column("business", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.create_foreign_key("business_merged_into_business", "business", "business", ["merged_into"], ["id"])
    op.create_index("business_merged_into", "business", ["merged_into"])
    op.drop_constraint("business_state_known", "business")
    op.create_check_constraint("business_state_known", "business", _states(*STATES, "merged"))
    op.create_check_constraint(
        "business_merged_into_another",
        "business",
        "(state = 'merged') = (merged_into IS NOT NULL) AND merged_into <> id",
    )
    op.create_table(
        "duplicate_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("low_id", sa.Uuid(), nullable=False),
        sa.Column("high_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("points", postgresql.JSONB(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("low_id < high_id", name="duplicate_case_pair_in_order"),
        sa.CheckConstraint("kind IN ('certain', 'possible')", name="duplicate_case_kind_known"),
        sa.CheckConstraint(
            "state IN ('open', 'same', 'different', 'merged', 'undone')", name="duplicate_case_state_known"
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 100", name="duplicate_case_score_range"),
        sa.CheckConstraint("jsonb_typeof(points) = 'object'", name="duplicate_case_points_are_named"),
        sa.CheckConstraint(
            "(state = 'open') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)"
            " AND (decided_at IS NULL) = (reason IS NULL)",
            name="duplicate_case_decided_with_reason",
        ),
        sa.CheckConstraint("version > 0", name="duplicate_case_version_positive"),
        sa.ForeignKeyConstraint(["low_id"], ["business.id"]),
        sa.ForeignKeyConstraint(["high_id"], ["business.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("low_id", "high_id", name="duplicate_case_one_for_each_pair"),
    )
    op.create_index("duplicate_case_high", "duplicate_case", ["high_id"])
    op.create_index("duplicate_case_by_score", "duplicate_case", ["state", "score", "id"])
    op.create_table(
        "business_merge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("survivor_id", sa.Uuid(), nullable=False),
        sa.Column("merged_id", sa.Uuid(), nullable=False),
        sa.Column("taken", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("image_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.Column("undone_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("survivor_id <> merged_id", name="business_merge_of_two"),
        sa.CheckConstraint(
            "(undone_at IS NULL) = (undone_by IS NULL) AND (undone_at IS NULL) = (undone_reason IS NULL)",
            name="business_merge_undone_with_reason",
        ),
        sa.ForeignKeyConstraint(["case_id"], ["duplicate_case.id"]),
        sa.ForeignKeyConstraint(["survivor_id"], ["business.id"]),
        sa.ForeignKeyConstraint(["merged_id"], ["business.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "business_merge_one_at_a_time",
        "business_merge",
        ["merged_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index("business_merge_of_case", "business_merge", ["case_id"])
    op.create_table(
        "duplicate_key",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("key", "business_id"),
    )
    op.create_index("duplicate_key_of_business", "duplicate_key", ["business_id"])
    op.execute(FAMILY)
    op.execute(FILL.format(searched="business_search", where=""))
    op.execute(TRIGGER.format(name="duplicate_keys_new", body=FILL.format(searched="fresh", where="")))
    op.execute(TRIGGER.format(name="duplicate_keys_anew", body=f"{FRESH}; {FILL.format(searched='fresh', where='')}"))
    op.execute(TRIGGER.format(name="duplicate_keys_moved", body=MOVED))
    op.execute(
        TRIGGER.format(name="duplicate_keys_gone", body=FORGET.format(these="IN (SELECT business_id FROM gone)"))
    )
    op.execute(
        "CREATE TRIGGER business_search_keys_gone AFTER DELETE ON business_search REFERENCING OLD TABLE AS gone"
        " FOR EACH STATEMENT EXECUTE FUNCTION duplicate_keys_gone()"
    )
    for name, when in (("new", "INSERT"), ("anew", "UPDATE")):
        op.execute(
            f"CREATE TRIGGER business_search_keys_{name} AFTER {when} ON business_search REFERENCING NEW TABLE AS fresh"
            f" FOR EACH STATEMENT EXECUTE FUNCTION duplicate_keys_{name}()"
        )
    op.execute(
        "CREATE TRIGGER business_keys_moved AFTER UPDATE OF region ON business FOR EACH ROW"
        " WHEN (OLD.region IS DISTINCT FROM NEW.region) EXECUTE FUNCTION duplicate_keys_moved()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER business_keys_moved ON business")
    for name in ("new", "anew", "gone"):
        op.execute(f"DROP TRIGGER business_search_keys_{name} ON business_search")
    for table in ("duplicate_key", "business_merge", "duplicate_case"):
        op.drop_table(table)
    for function in (
        "duplicate_keys_new()",
        "duplicate_keys_anew()",
        "duplicate_keys_gone()",
        "duplicate_keys_moved()",
        "business_family(uuid)",
    ):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_constraint("business_merged_into_another", "business")
    op.drop_constraint("business_state_known", "business")
    # A merged business would be an open one again: it is closed instead, and keeps its reason.
    op.execute("UPDATE business SET state = 'closed' WHERE state = 'merged'")
    op.create_check_constraint("business_state_known", "business", _states(*STATES))
    op.drop_column("business", "merged_into")
