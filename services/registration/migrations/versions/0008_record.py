"""The history of records, what businesses are searched by, and the consents of their owners."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JOURNALS = ("record_change", "consent_act")
REFUSE = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$
"""
# Dots and apostrophes join what stands around them (U.D. is UD), everything else that is no letter parts words.
FOLD = r"""
    CREATE FUNCTION search_folded(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT btrim(regexp_replace(regexp_replace(lower(normalize(name, NFKD)), '[\u0300-\u036f.''\u2019`]', '', 'g'),
                                    '[^[:alnum:]]+', ' ', 'g')) $$
"""
# The grams are as in searching.grams: threes of letters, and the beginnings of words with the blanks before them. They
# are worked out in the statement itself: a function in SQL would be begun anew for every row, which is five times slower.
SEARCHED = """
    SELECT b.id, b.name, b.owner, b.phone, reverse(b.phone), ARRAY(
        SELECT DISTINCT substr('  ' || word, first, 3)
        FROM unnest(string_to_array(b.name || ' ' || b.owner, ' ')) AS word, generate_series(1, length(word)) AS first)
    FROM (SELECT b.id, search_folded(b.name) AS name, search_folded(o.name) AS owner, o.phone
          FROM {businesses} b JOIN owner o ON o.id = b.owner_id {where} OFFSET 0) AS b
"""
KEEP = """
    INSERT INTO business_search (business_id, name, owner, phone, phone_reversed, grams) {searched}
    ON CONFLICT (business_id) DO UPDATE SET name = excluded.name, owner = excluded.owner, phone = excluded.phone,
        phone_reversed = excluded.phone_reversed, grams = excluded.grams
"""
TRIGGER = "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NULL; END $$"


def _keep(businesses: str, where: str = "") -> str:
    return KEEP.format(searched=SEARCHED.format(businesses=businesses, where=where))


def upgrade() -> None:
    for column in ("state_since", "business_scale_since", "industry_scale_since"):
        op.add_column("business", sa.Column(column, sa.Date(), nullable=True))
    for column in ("registered_by", "registered_role"):
        op.add_column("business", sa.Column(column, sa.Text(), nullable=True))
    op.create_check_constraint(
        "business_scale_since_it_is_known",
        "business",
        "(business_scale IS NOT NULL OR business_scale_since IS NULL)"
        " AND (industry_scale IS NOT NULL OR industry_scale_since IS NULL)",
    )
    op.create_check_constraint(
        "business_registered_by_a_role", "business", "(registered_by IS NULL) = (registered_role IS NULL)"
    )
    op.drop_constraint("business_kbli_edition_plausible", "business")
    # A class in another edition stops here: what it is in one of these is for people to say, not for a migration.
    op.create_check_constraint("business_kbli_edition_known", "business", "kbli_edition IN (2015, 2017, 2020, 2025)")
    _make_history()
    _make_search()
    _make_consents()
    op.execute(REFUSE)
    for table in JOURNALS:
        for when, name, level in (("UPDATE OR DELETE", "append_only", "ROW"), ("TRUNCATE", "no_truncate", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER {table}_{name} BEFORE {when} ON {table}"
                f" FOR EACH {level} EXECUTE FUNCTION refuse_change()"
            )


def _make_history() -> None:
    op.create_table(
        "record_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("before_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("after_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("subject IN ('business', 'owner')", name="record_change_subject_known"),
        sa.CheckConstraint("field ~ '^[a-z][a-z_]*$'", name="record_change_field_form"),
        sa.CheckConstraint(
            "(before IS NULL OR before_sealed IS NULL) AND (after IS NULL OR after_sealed IS NULL)",
            name="record_change_plain_or_sealed",
        ),
        sa.CheckConstraint(
            "before IS DISTINCT FROM after OR before_sealed IS NOT NULL OR after_sealed IS NOT NULL",
            name="record_change_is_one",
        ),
        sa.CheckConstraint(
            "coalesce(before, after) IS NULL"
            " OR (field NOT IN ('nik', 'phone', 'email', 'address', 'annual_sales_rupiah')"
            " AND (subject, field) <> ('owner', 'name'))",
            name="record_change_personal_is_sealed",
        ),
        sa.CheckConstraint("version > 0", name="record_change_version_positive"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("record_change_of_subject", "record_change", ["subject_id", "changed_at", "id"])


def _make_search() -> None:
    op.create_table(
        "business_search",
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_reversed", sa.Text(), nullable=True),
        sa.Column("grams", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("phone_reversed = reverse(phone)", name="business_search_phone_reversed"),
        sa.CheckConstraint("(phone IS NULL) = (phone_reversed IS NULL)", name="business_search_phone_both_ways"),
        sa.ForeignKeyConstraint(["business_id"], ["business.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("business_id"),
    )
    op.execute(FOLD)
    op.execute(_keep("business"))
    op.create_index("business_search_grams", "business_search", ["grams"], postgresql_using="gin")
    for name, column in (("business_search_phone", "phone"), ("business_search_phone_tail", "phone_reversed")):
        op.create_index(name, "business_search", [column], postgresql_ops={column: "text_pattern_ops"})
    op.execute(TRIGGER.format(name="search_registered", body=_keep("fresh")))
    op.execute(TRIGGER.format(name="search_renamed", body=_keep("business", "WHERE b.id = NEW.id")))
    op.execute(TRIGGER.format(name="search_owner_changed", body=_keep("business", "WHERE b.owner_id = NEW.id")))
    op.execute(
        "CREATE TRIGGER business_is_searched AFTER INSERT ON business REFERENCING NEW TABLE AS fresh"
        " FOR EACH STATEMENT EXECUTE FUNCTION search_registered()"
    )
    op.execute(
        "CREATE TRIGGER business_is_searched_anew AFTER UPDATE OF name, owner_id ON business FOR EACH ROW"
        " WHEN ((OLD.name, OLD.owner_id) IS DISTINCT FROM (NEW.name, NEW.owner_id))"
        " EXECUTE FUNCTION search_renamed()"
    )
    op.execute(
        "CREATE TRIGGER owner_is_searched_anew AFTER UPDATE OF name, phone ON owner FOR EACH ROW"
        " WHEN ((OLD.name, OLD.phone) IS DISTINCT FROM (NEW.name, NEW.phone))"
        " EXECUTE FUNCTION search_owner_changed()"
    )


def _make_consents() -> None:
    op.create_table(
        "consent_act",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("text_id", sa.Text(), nullable=True),
        sa.Column("text_version", sa.Integer(), nullable=True),
        sa.Column("text_language", sa.Text(), nullable=True),
        sa.Column("text_hash", sa.LargeBinary(), nullable=True),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("witness", sa.Text(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('contact_by_phone', 'publish_story', 'share_with_partner')", name="consent_kind_known"
        ),
        sa.CheckConstraint("how IN ('signature', 'thumbprint', 'spoken', 'online')", name="consent_how_known"),
        sa.CheckConstraint("no > 0", name="consent_no_positive"),
        sa.CheckConstraint("NOT given OR how <> 'spoken' OR witness IS NOT NULL", name="consent_spoken_with_witness"),
        sa.CheckConstraint(
            "NOT given OR how NOT IN ('signature', 'thumbprint') OR proof IS NOT NULL", name="consent_paper_is_kept"
        ),
        sa.CheckConstraint(
            "given = (text_id IS NOT NULL) AND given = (text_version IS NOT NULL)"
            " AND given = (text_language IS NOT NULL) AND given = (text_hash IS NOT NULL)",
            name="consent_given_to_a_text",
        ),
        sa.CheckConstraint("text_language IN ('id', 'en')", name="consent_language_known"),
        sa.CheckConstraint("octet_length(text_hash) = 32", name="consent_hash_length"),
        sa.CheckConstraint("happened_at <= recorded_at", name="consent_recorded_after"),
        sa.CheckConstraint("no > 1 OR given", name="consent_begins_given"),
        sa.ForeignKeyConstraint(["owner_id"], ["owner.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner_id", "kind", "no", name="consent_act_one_after_the_other"),
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER owner_is_searched_anew ON owner")
    for trigger in ("business_is_searched", "business_is_searched_anew"):
        op.execute(f"DROP TRIGGER {trigger} ON business")
    for table in ("consent_act", "business_search", "record_change"):
        op.drop_table(table)
    for function in (
        "refuse_change()",
        "search_registered()",
        "search_renamed()",
        "search_owner_changed()",
        "search_folded(text)",
    ):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_constraint("business_kbli_edition_known", "business")
    op.create_check_constraint("business_kbli_edition_plausible", "business", "kbli_edition BETWEEN 1990 AND 2100")
    op.drop_constraint("business_registered_by_a_role", "business")
    op.drop_constraint("business_scale_since_it_is_known", "business")
    for column in (
        "registered_role", "registered_by", "industry_scale_since", "business_scale_since", "state_since",
    ):  # fmt: skip
        op.drop_column("business", column)
