"""What alerts and plans leave out, the day on which promised goods are wanted, and returns and loans taken back."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from services.aid_distribution.ledger.chain import START, CountedLine, Head, Header, LateLine, OwnLine, Said, following

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

WHY = "why IN ('expired', 'held'{}, 'expiring')"
WANTED = (
    "wanted_on BETWEEN (reserved_at AT TIME ZONE INTERVAL '7 hours')::date"
    " AND (expires_at AT TIME ZONE INTERVAL '7 hours')::date"
)
VOIDED = ("stock_return", "loan", "loan_return")
LEFT_OUT = ("expiring", "expired", "held")

# Whoever goes back cannot say what packs there were: the chains are made anew as those before were, in their order.
POSTINGS_PER_PAGE = 5_000
PAGE = sa.text(
    """
    SELECT id, number, kind, occurred_at, recorded_at, actor, document, reason, reverses
    FROM posting WHERE region = :region AND chain_seq > :after ORDER BY chain_seq LIMIT :rows
    """
)
LINES = {
    OwnLine: sa.text(
        "SELECT posting_id, line_no, item, lot, quantity, from_place, to_place, occurred_at, recorded_at"
        " FROM posting_line WHERE posting_id = ANY(CAST(:ids AS uuid[])) AND late_by IS NULL"
    ),
    LateLine: sa.text(
        "SELECT late_by, posting_id, item, lot, quantity, from_place, to_place, occurred_at, recorded_at"
        " FROM posting_line WHERE late_by = ANY(CAST(:ids AS uuid[]))"
    ),
    CountedLine: sa.text(
        "SELECT posting_id, place, item, lot, occurred_at, recorded_at, counted, book, snapshot, reason"
        " FROM count_line WHERE posting_id = ANY(CAST(:ids AS uuid[]))"
    ),
}
LINK = sa.text(
    """
    UPDATE posting SET chain_hash = n.hash
    FROM unnest(CAST(:ids AS uuid[]), CAST(:hashes AS bytea[])) AS n(id, hash) WHERE posting.id = n.id
    """
)
HEAD = sa.text("UPDATE chain_head SET last_hash = :hash WHERE region = :region AND last_seq = :seq")


def upgrade() -> None:
    for name in LEFT_OUT:
        op.add_column("alert", sa.Column(name, sa.BigInteger(), nullable=True))
        op.add_column("allocation_plan", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    not_negative = "expiring >= 0 AND expired >= 0 AND held >= 0"
    op.create_check_constraint("alert_left_out_not_negative", "alert", not_negative)
    op.create_check_constraint("allocation_plan_left_out_not_negative", "allocation_plan", not_negative)
    op.add_column("reservation", sa.Column("wanted_on", sa.Date(), nullable=True))
    op.create_check_constraint("reservation_wanted_while_it_holds", "reservation", WANTED)
    op.drop_constraint("lot_note_why_known", "lot_note", type_="check")
    op.create_check_constraint("lot_note_why_known", "lot_note", WHY.format(", 'expires_before'"))
    op.add_column("reservation", sa.Column("called_off", sa.Text(), nullable=True))
    op.create_check_constraint(
        "reservation_called_off_of_a_training", "reservation", "called_off IS NULL OR training_id IS NOT NULL"
    )
    # Those that hold nothing now; what still does is released with its time, as it was to be.
    op.execute(
        "UPDATE reservation r SET called_off = coalesce(r.reason, 'cancelled') FROM training_kits k"
        " WHERE k.reservation_id = r.id AND k.state = 'cancelled' AND r.state <> 'open'"
    )
    op.create_index("reservation_use_in_order", "reservation_use", ["reservation_id", "posting_id", "item", "lot"])
    for table in VOIDED:
        _voided(table)
    op.add_column("stock_return", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.drop_constraint("loan_state_known", "loan", type_="check")
    op.create_check_constraint("loan_state_known", "loan", "state IN ('open', 'returned', 'voided')")
    op.create_check_constraint("loan_voided_by_posting", "loan", "(state = 'voided') = (void_posting_id IS NOT NULL)")
    op.add_column("posting", sa.Column("chain_form", sa.SmallInteger(), server_default="1", nullable=False))
    op.alter_column("posting", "chain_form", server_default=None)  # from now on whoever posts says it
    op.create_check_constraint("posting_chain_form_known", "posting", "chain_form IN (1, 2)")


def _voided(table: str) -> None:
    op.add_column(table, sa.Column("void_posting_id", sa.Uuid(), nullable=True))
    op.add_column(table, sa.Column("void_reason", sa.String(), nullable=True))
    op.create_foreign_key(f"{table}_void_posting_id_fkey", table, "posting", ["void_posting_id"], ["id"])
    op.create_unique_constraint(f"{table}_void_posting_id_key", table, ["void_posting_id"])
    op.create_check_constraint(f"{table}_void_has_reason", table, "(void_posting_id IS NULL) = (void_reason IS NULL)")


def _link_as_before() -> None:
    """Link every posting without its packs; nobody posts meanwhile, since the table is locked."""
    op.execute("ALTER TABLE posting DISABLE TRIGGER posting_append_only")
    for (region,) in op.get_bind().execute(sa.text("SELECT region FROM chain_head ORDER BY region")).all():
        head = START
        while page := list(_said_after(region, head)):
            links = [head := following(head, said) for said in page]
            values = {"ids": [said.header.id for said in page], "hashes": [link.hash for link in links]}
            op.get_bind().execute(LINK, values)
        op.get_bind().execute(HEAD, {"region": region, "seq": head.seq, "hash": head.hash})
    op.execute("ALTER TABLE posting ENABLE TRIGGER posting_append_only")


def _said_after(region: str, head: Head) -> Iterator[Said]:
    asked = {"region": region, "after": head.seq, "rows": POSTINGS_PER_PAGE}
    headers = [Header(*row) for row in op.get_bind().execute(PAGE, asked)]
    own, late, counted = (_lines(kind, [header.id for header in headers]) for kind in LINES)
    for header in headers:
        yield Said(region, header, own.get(header.id, ()), late.get(header.id, ()), counted.get(header.id, ()))


def _lines(kind: Any, ids: Sequence[Any]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for posting_id, *line in op.get_bind().execute(LINES[kind], {"ids": ids}):
        found.setdefault(posting_id, []).append(kind(*line))
    return found


def downgrade() -> None:
    _link_as_before()
    op.drop_constraint("posting_chain_form_known", "posting", type_="check")
    op.drop_column("posting", "chain_form")
    op.drop_constraint("loan_voided_by_posting", "loan", type_="check")
    op.drop_constraint("loan_state_known", "loan", type_="check")
    op.create_check_constraint("loan_state_known", "loan", "state IN ('open', 'returned')")
    op.drop_column("stock_return", "version")
    for table in reversed(VOIDED):
        op.drop_constraint(f"{table}_void_has_reason", table, type_="check")
        op.drop_column(table, "void_reason")
        op.drop_column(table, "void_posting_id")
    op.drop_index("reservation_use_in_order", "reservation_use")
    op.drop_constraint("reservation_called_off_of_a_training", "reservation", type_="check")
    op.drop_column("reservation", "called_off")
    op.drop_constraint("lot_note_why_known", "lot_note", type_="check")
    op.execute("UPDATE lot_note SET why = 'expired' WHERE why = 'expires_before'")
    op.create_check_constraint("lot_note_why_known", "lot_note", WHY.format(""))
    op.drop_constraint("reservation_wanted_while_it_holds", "reservation", type_="check")
    op.drop_column("reservation", "wanted_on")
    op.drop_constraint("allocation_plan_left_out_not_negative", "allocation_plan", type_="check")
    op.drop_constraint("alert_left_out_not_negative", "alert", type_="check")
    for name in reversed(LEFT_OUT):
        op.drop_column("allocation_plan", name)
        op.drop_column("alert", name)
