"""The hash chain of each region's postings, and its signed heads."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from services.aid_distribution.ledger.chain import START, CountedLine, Header, LateLine, OwnLine, Said, following

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

POSTINGS_PER_PAGE = 5_000

# Those that were posted before there was a chain are linked in the order in which they were recorded.
ORDER = """
    CREATE TEMP TABLE chain_order ON COMMIT DROP AS
    SELECT id, region, row_number() OVER (PARTITION BY region ORDER BY recorded_at, id) AS seq FROM posting
"""
POSTINGS = sa.text(
    """
    SELECT p.id, p.number, p.kind, p.occurred_at, p.recorded_at, p.actor, p.document, p.reason, p.reverses
    FROM chain_order o JOIN posting p USING (id)
    WHERE o.region = :region AND o.seq > :after AND o.seq <= :after + :rows ORDER BY o.seq
    """
)
OWN = sa.text(
    """
    SELECT posting_id, line_no, item, lot, quantity, from_place, to_place, occurred_at, recorded_at
    FROM posting_line WHERE posting_id = ANY(CAST(:ids AS uuid[])) AND late_by IS NULL
    """
)
LATE = sa.text(
    """
    SELECT late_by, posting_id, item, lot, quantity, from_place, to_place, occurred_at, recorded_at
    FROM posting_line WHERE late_by = ANY(CAST(:ids AS uuid[]))
    """
)
COUNTED = sa.text(
    """
    SELECT posting_id, place, item, lot, occurred_at, recorded_at, counted, book, snapshot, reason
    FROM count_line WHERE posting_id = ANY(CAST(:ids AS uuid[]))
    """
)
LINK = sa.text(
    """
    UPDATE posting SET chain_seq = n.seq, chain_hash = n.hash
    FROM unnest(CAST(:ids AS uuid[]), CAST(:seqs AS bigint[]), CAST(:hashes AS bytea[])) AS n(id, seq, hash)
    WHERE posting.id = n.id
    """
)
HEAD = sa.text("INSERT INTO chain_head (region, last_seq, last_hash) VALUES (:region, :seq, :hash)")


def upgrade() -> None:
    op.create_table(
        "chain_head",
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("last_seq > 0 AND octet_length(last_hash) = 32", name="chain_head_link"),
        sa.PrimaryKeyConstraint("region"),
    )
    op.create_table(
        "signed_head",
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("seq > 0 AND octet_length(hash) = 32", name="signed_head_link"),
        sa.CheckConstraint("octet_length(signature) = 64", name="signed_head_signature"),
        sa.PrimaryKeyConstraint("region", "seq"),
    )
    op.create_index(
        "posting_line_late_by", "posting_line", ["late_by"], postgresql_where=sa.text("late_by IS NOT NULL")
    )
    op.add_column("posting", sa.Column("chain_seq", sa.BigInteger(), nullable=True))
    op.add_column("posting", sa.Column("chain_hash", sa.LargeBinary(), nullable=True))
    link_all()
    op.alter_column("posting", "chain_seq", nullable=False)
    op.alter_column("posting", "chain_hash", nullable=False)
    op.create_check_constraint("posting_chain_link", "posting", "chain_seq > 0 AND octet_length(chain_hash) = 32")
    op.create_unique_constraint("posting_chain_place", "posting", ["region", "chain_seq"])
    for when, name, level in (("UPDATE OR DELETE", "append_only", "ROW"), ("TRUNCATE", "no_truncate", "STATEMENT")):
        op.execute(
            f"CREATE TRIGGER signed_head_{name} BEFORE {when} ON signed_head"
            f" FOR EACH {level} EXECUTE FUNCTION refuse_change()"
        )


def link_all() -> None:
    """Link every posting; nobody posts meanwhile, since adding the columns has locked the table."""
    op.execute(ORDER)
    op.execute("ALTER TABLE chain_order ADD PRIMARY KEY (region, seq)")
    op.execute("ALTER TABLE posting DISABLE TRIGGER posting_append_only")
    for (region,) in op.get_bind().execute(sa.text("SELECT DISTINCT region FROM chain_order ORDER BY region")).all():
        link_region(region)
    op.execute("ALTER TABLE posting ENABLE TRIGGER posting_append_only")
    op.execute("DROP TABLE chain_order")


def link_region(region: str) -> None:
    head = START
    while page := list(said_after(region, head.seq)):
        links = [head := following(head, said) for said in page]
        op.get_bind().execute(
            LINK,
            {
                "ids": [said.header.id for said in page],
                "seqs": [link.seq for link in links],
                "hashes": [link.hash for link in links],
            },
        )
    op.get_bind().execute(HEAD, {"region": region, "seq": head.seq, "hash": head.hash})


def said_after(region: str, after: int) -> Iterator[Said]:
    """Give what the next postings say."""
    asked = {"region": region, "after": after, "rows": POSTINGS_PER_PAGE}
    headers = [Header(*row) for row in op.get_bind().execute(POSTINGS, asked)]
    ids = [header.id for header in headers]
    own, late, counted = lines(OWN, ids), lines(LATE, ids), lines(COUNTED, ids)
    for header in headers:
        yield Said(
            region,
            header,
            [OwnLine(*line) for line in own.get(header.id, ())],
            [LateLine(*line) for line in late.get(header.id, ())],
            [CountedLine(*line) for line in counted.get(header.id, ())],
        )


def lines(question: sa.TextClause, ids: Sequence[object]) -> dict[object, list[Sequence[Any]]]:
    """Give the lines of some postings, by the posting that has entered them."""
    found: dict[object, list[Sequence[Any]]] = {}
    for entered_by, *line in op.get_bind().execute(question, {"ids": ids}):
        found.setdefault(entered_by, []).append(line)
    return found


def downgrade() -> None:
    op.drop_table("signed_head")
    for name, kind in (("posting_chain_place", "unique"), ("posting_chain_link", "check")):
        op.drop_constraint(name, "posting", type_=kind)
    op.drop_column("posting", "chain_hash")
    op.drop_column("posting", "chain_seq")
    op.drop_index("posting_line_late_by", table_name="posting_line")
    op.drop_table("chain_head")
