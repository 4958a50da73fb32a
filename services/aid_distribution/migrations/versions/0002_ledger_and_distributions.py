"""The stock ledger with its catalogue, and distributions."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

VIRTUAL_PLACES = ("SUPPLIER", "DONOR", "PRODUCTION", "PUBLIC", "LOSS", "ADJUSTMENT", "IN-TRANSIT")
JOURNAL = ("posting", "posting_line")
REFUSE_CHANGE = """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the journal is append-only: % of % refused', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "card_day",
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("lot", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("incoming", sa.BigInteger(), nullable=False),
        sa.Column("outgoing", sa.BigInteger(), nullable=False),
        sa.Column("lowest", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("incoming >= 0 AND outgoing >= 0", name="card_day_sums_not_negative"),
        sa.CheckConstraint("lowest <= opening AND lowest <= opening + incoming - outgoing", name="card_day_lowest"),
        sa.CheckConstraint("lowest >= 0", name="card_day_never_negative"),
        sa.CheckConstraint("opening + incoming <= 1000000000000000", name="card_day_countable"),
        sa.PrimaryKeyConstraint("place", "item", "lot", "day"),
    )
    op.create_table(
        "document_series",
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("last > 0", name="document_series_last_positive"),
        sa.PrimaryKeyConstraint("office", "month", "kind"),
    )
    op.create_table(
        "item",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "category IN ('mask', 'hygiene', 'staple', 'kit', 'asset', 'other')", name="item_category_known"
        ),
        sa.CheckConstraint("unit IN ('piece', 'kg', 'litre', 'pack')", name="item_unit_known"),
        sa.PrimaryKeyConstraint("code"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "known_business",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sector", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed')", name="known_business_state"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "place",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'virtual') = (region = '')", name="place_real_has_region"),
        sa.CheckConstraint("kind IN ('warehouse', 'crowd_centre', 'market_venue', 'virtual')", name="place_kind_known"),
        sa.PrimaryKeyConstraint("code"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(op.f("ix_place_region"), "place", ["region"], unique=False)
    op.create_table(
        "posting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("reverses", sa.Uuid(), nullable=True),
        sa.CheckConstraint("(kind = 'reversal') = (reverses IS NOT NULL)", name="posting_reversal_names_what"),
        sa.CheckConstraint(
            "kind IN ('receipt', 'issue', 'distribution', 'transfer_dispatch', 'transfer_receipt', 'reversal')",
            name="posting_kind_known",
        ),
        sa.CheckConstraint("occurred_at <= recorded_at", name="posting_not_in_the_future"),
        sa.CheckConstraint("reverses IS NULL OR reason IS NOT NULL", name="posting_reversal_has_reason"),
        sa.ForeignKeyConstraint(
            ["reverses"],
            ["posting.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("reverses"),
    )
    op.create_index("posting_by_region", "posting", ["region", "occurred_at", "id"], unique=False)
    op.create_table(
        "card",
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("on_hand >= 0", name="card_on_hand_not_negative"),
        sa.CheckConstraint("reserved BETWEEN 0 AND on_hand", name="card_reserved_within_on_hand"),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["place"],
            ["place.code"],
        ),
        sa.PrimaryKeyConstraint("place", "item", "lot"),
    )
    op.create_table(
        "distribution",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("programme", sa.String(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("public_heads", sa.Integer(), nullable=False),
        sa.Column("business_count", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("void_posting_id", sa.Uuid(), nullable=True),
        sa.Column("void_reason", sa.String(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(state = 'posted' AND void_posting_id IS NULL AND void_reason IS NULL) OR (state = 'voided' AND void_posting_id IS NOT NULL AND void_reason IS NOT NULL)",
            name="distribution_state",
        ),
        sa.CheckConstraint(
            "programme IN ('free-masks', 'handwashing', 'cheap-market', 'training')",
            name="distribution_programme_known",
        ),
        sa.CheckConstraint("public_heads > 0 OR business_count > 0", name="distribution_has_recipient"),
        sa.CheckConstraint("public_heads BETWEEN 0 AND 10000000", name="distribution_public_heads"),
        sa.ForeignKeyConstraint(
            ["place"],
            ["place.code"],
        ),
        sa.ForeignKeyConstraint(
            ["posting_id"],
            ["posting.id"],
        ),
        sa.ForeignKeyConstraint(
            ["void_posting_id"],
            ["posting.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("posting_id"),
        sa.UniqueConstraint("void_posting_id"),
    )
    op.create_index("distribution_by_region", "distribution", ["region", "occurred_at", "id"], unique=False)
    op.create_index("distribution_by_time", "distribution", ["occurred_at", "id"], unique=False)
    op.create_table(
        "lot",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.String(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.PrimaryKeyConstraint("item", "lot"),
    )
    op.create_table(
        "posting_line",
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), server_default="", nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("from_place", sa.Text(), nullable=False),
        sa.Column("to_place", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("from_place <> to_place", name="posting_line_moves"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000000000", name="posting_line_quantity"),
        sa.ForeignKeyConstraint(
            ["from_place"],
            ["place.code"],
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
            ["to_place"],
            ["place.code"],
        ),
        sa.PrimaryKeyConstraint("posting_id", "line_no"),
    )
    op.create_index(
        "posting_line_in",
        "posting_line",
        ["to_place", "item", "occurred_at", "recorded_at", "posting_id", "line_no"],
        unique=False,
    )
    op.create_index(
        "posting_line_out",
        "posting_line",
        ["from_place", "item", "occurred_at", "recorded_at", "posting_id", "line_no"],
        unique=False,
    )
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("from_place", sa.Text(), nullable=False),
        sa.Column("to_place", sa.Text(), nullable=False),
        sa.Column("from_region", sa.String(), nullable=False),
        sa.Column("to_region", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("receipt_posting_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(state = 'in_transit' AND receipt_posting_id IS NULL AND received_at IS NULL) OR (state = 'received' AND receipt_posting_id IS NOT NULL AND received_at >= occurred_at)",
            name="transfer_state",
        ),
        sa.CheckConstraint("from_place <> to_place", name="transfer_moves"),
        sa.ForeignKeyConstraint(
            ["from_place"],
            ["place.code"],
        ),
        sa.ForeignKeyConstraint(
            ["posting_id"],
            ["posting.id"],
        ),
        sa.ForeignKeyConstraint(
            ["receipt_posting_id"],
            ["posting.id"],
        ),
        sa.ForeignKeyConstraint(
            ["to_place"],
            ["place.code"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("posting_id"),
        sa.UniqueConstraint("receipt_posting_id"),
    )
    op.create_table(
        "distribution_business",
        sa.Column("distribution_id", sa.Uuid(), nullable=False),
        sa.Column("business_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["business_id"],
            ["known_business.id"],
        ),
        sa.ForeignKeyConstraint(
            ["distribution_id"],
            ["distribution.id"],
        ),
        sa.PrimaryKeyConstraint("distribution_id", "business_id"),
    )
    op.create_index("distribution_business_by_business", "distribution_business", ["business_id"], unique=False)
    op.create_table(
        "transfer_line",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), server_default="", nullable=False),
        sa.Column("dispatched", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=True),
        sa.Column("rejected", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(accepted IS NULL AND rejected IS NULL) OR (accepted >= 0 AND rejected >= 0 AND accepted + rejected = dispatched)",
            name="transfer_line_adds_up",
        ),
        sa.CheckConstraint("coalesce(rejected, 0) = 0 OR reason IS NOT NULL", name="transfer_line_rejected_has_reason"),
        sa.CheckConstraint("dispatched > 0", name="transfer_line_dispatched_positive"),
        sa.ForeignKeyConstraint(
            ["item"],
            ["item.code"],
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"],
            ["transfer.id"],
        ),
        sa.PrimaryKeyConstraint("transfer_id", "line_no"),
    )
    for number, code in enumerate(VIRTUAL_PLACES):
        op.execute(
            sa.text(
                "INSERT INTO place (code, id, name, kind, region, created_at)"
                " VALUES (:code, :id, :code, 'virtual', '', '2020-01-01T00:00:00Z')"
            ).bindparams(code=code, id=UUID(int=number + 1))
        )
    op.execute(REFUSE_CHANGE)
    for table in JOURNAL:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_table("transfer_line")
    op.drop_index("distribution_business_by_business", table_name="distribution_business")
    op.drop_table("distribution_business")
    op.drop_table("transfer")
    op.drop_index("posting_line_out", table_name="posting_line")
    op.drop_index("posting_line_in", table_name="posting_line")
    op.drop_table("posting_line")
    op.drop_table("lot")
    op.drop_index("distribution_by_time", table_name="distribution")
    op.drop_index("distribution_by_region", table_name="distribution")
    op.drop_table("distribution")
    op.drop_table("card")
    op.drop_index("posting_by_region", table_name="posting")
    op.drop_table("posting")
    op.drop_index(op.f("ix_place_region"), table_name="place")
    op.drop_table("place")
    op.drop_table("known_business")
    op.drop_table("item")
    op.drop_table("document_series")
    op.drop_table("card_day")
    op.execute("DROP FUNCTION refuse_change()")
