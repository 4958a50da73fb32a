"""Reservations, with what was used of them and by which postings; and kits, with what goes into them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_check_constraint("place_reserved_by_code", "place", "(kind = 'reserved') = (right(code, 1) = '~')")
    # What is reserved lies on cards of its own, so that no more than lies there can be reserved.
    op.drop_constraint("card_reserved_within_on_hand", "card", type_="check")
    op.drop_column("card", "reserved")
    _reservations()
    _kits()


def _reservations() -> None:
    op.create_table(
        "reservation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("training_id", sa.Uuid(), nullable=True),
        sa.Column("kits_of", JSONB(none_as_null=True), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("release_posting_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("state IN ('open', 'used', 'released', 'expired')", name="reservation_state_known"),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="reservation_ended_has_moment"),
        sa.CheckConstraint(
            "(state IN ('released', 'expired')) = (release_posting_id IS NOT NULL)", name="reservation_release_posted"
        ),
        sa.CheckConstraint("expires_at > reserved_at", name="reservation_expires_later"),
        sa.CheckConstraint("(training_id IS NULL) = (kits_of IS NULL)", name="reservation_kits_of_a_training"),
        sa.ForeignKeyConstraint(["place"], ["place.code"]),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.ForeignKeyConstraint(["release_posting_id"], ["posting.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        sa.UniqueConstraint("training_id"),
        sa.UniqueConstraint("posting_id"),
        sa.UniqueConstraint("release_posting_id"),
    )
    op.create_index("reservation_by_region", "reservation", ["region", "reserved_at", "id"])
    op.create_index("reservation_by_place", "reservation", ["place", "reserved_at", "id"])
    op.create_index(
        "reservation_open_by_expiry", "reservation", ["expires_at", "id"], postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "reservation_line",
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("released", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("quantity > 0", name="reservation_line_quantity_positive"),
        sa.CheckConstraint(
            "used >= 0 AND released >= 0 AND used + released <= quantity", name="reservation_line_within_quantity"
        ),
        sa.ForeignKeyConstraint(["reservation_id"], ["reservation.id"]),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.PrimaryKeyConstraint("reservation_id", "line_no"),
        sa.UniqueConstraint("reservation_id", "item", "lot", name="reservation_line_once"),
    )
    op.create_table(
        "reservation_use",
        sa.Column("posting_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("quantity > 0", name="reservation_use_quantity_positive"),
        sa.ForeignKeyConstraint(["posting_id"], ["posting.id"]),
        sa.ForeignKeyConstraint(["reservation_id"], ["reservation.id"]),
        sa.ForeignKeyConstraint(
            ["reservation_id", "item", "lot"],
            ["reservation_line.reservation_id", "reservation_line.item", "reservation_line.lot"],
        ),
        sa.PrimaryKeyConstraint("posting_id", "item", "lot"),
    )
    op.create_index("reservation_use_of", "reservation_use", ["reservation_id", "item", "lot"])


def _kits() -> None:
    op.create_table(
        "kit",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("defined_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.PrimaryKeyConstraint("item"),
        sa.UniqueConstraint("id"),
    )
    op.create_table(
        "kit_component",
        sa.Column("kit", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000", name="kit_component_quantity"),
        sa.CheckConstraint("item <> kit", name="kit_component_is_another"),
        sa.ForeignKeyConstraint(["kit"], ["kit.item"]),
        sa.ForeignKeyConstraint(["item"], ["item.code"]),
        sa.PrimaryKeyConstraint("kit", "item"),
    )

    op.create_table(
        "training_kits",
        sa.Column("training_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('reserved', 'refused', 'cancelled')", name="training_kits_state_known"),
        sa.CheckConstraint(
            "CASE state WHEN 'reserved' THEN reservation_id IS NOT NULL WHEN 'refused' THEN reservation_id IS NULL"
            " ELSE true END",
            name="training_kits_reserved_by_reservation",
        ),
        sa.ForeignKeyConstraint(["reservation_id"], ["reservation.id"]),
        sa.PrimaryKeyConstraint("training_id"),
        sa.UniqueConstraint("reservation_id"),
    )


def downgrade() -> None:
    for table in ("training_kits", "kit_component", "kit", "reservation_use", "reservation_line", "reservation"):
        op.drop_table(table)
    op.add_column("card", sa.Column("reserved", sa.BigInteger(), server_default="0", nullable=False))
    op.create_check_constraint("card_reserved_within_on_hand", "card", "reserved BETWEEN 0 AND on_hand")
    op.drop_constraint("place_reserved_by_code", "place", type_="check")
