"""Writing what was decided: postings with their lines, numbers and places in the chain, and the cards as they are."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from services.aid_distribution.ledger.account import Card, Cards, Moment
from services.aid_distribution.ledger.chain import FORM, START, Head, linked
from services.aid_distribution.ledger.domain import NO_LOT, SERIES, Kind, Line
from services.aid_distribution.ledger.loading import OPEN_CARDS
from services.aid_distribution.ledger.store import Posted, columns
from shared.arrays import array, of_arrays

# Series first, then the chains of the regions, each in one order for all: nobody waits in a circle. To count what was
# raised is to wait for it; otherwise PostgreSQL raises in whatever order it likes.
RAISE = text(
    """
    WITH raised AS (
        INSERT INTO document_series AS s (office, month, kind, last)
        SELECT * FROM unnest(CAST(:offices AS text[]), CAST(:months AS date[]), CAST(:kinds AS text[]),
                             CAST(:counts AS bigint[])) AS n(office, month, kind, last)
        ORDER BY 1, 2, 3 ON CONFLICT (office, month, kind) DO UPDATE SET last = s.last + excluded.last
        RETURNING office, month, kind, last
    ), headed AS (
        INSERT INTO chain_head AS h (region, last_seq, last_hash)
        SELECT r.region, r.postings, CAST(:start AS bytea)
        FROM unnest(CAST(:regions AS text[]), CAST(:postings AS bigint[])) AS r(region, postings)
        WHERE (SELECT count(*) FROM raised) > 0
        ORDER BY 1 ON CONFLICT (region) DO UPDATE SET last_seq = h.last_seq + excluded.last_seq
        RETURNING region, last_seq, last_hash
    )
    SELECT office, month, kind, last, CAST(NULL AS bytea) AS hash FROM raised
    UNION ALL SELECT region, NULL, NULL, last_seq, last_hash FROM headed
    """
)
# One statement for all that postings leave behind: four would cost three more round trips while the cards are locked.
WRITE = of_arrays(
    """
    WITH posted AS (
        INSERT INTO posting (id, number, kind, region, occurred_at, recorded_at, actor, document, reason, reverses,
                             chain_seq, chain_hash, chain_form)
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:numbers AS text[]), CAST(:kinds AS text[]), CAST(:regions AS text[]),
            CAST(:occurred AS timestamptz[]), CAST(:recorded AS timestamptz[]), CAST(:actors AS text[]),
            CAST(:documents AS text[]), CAST(:reasons AS text[]), CAST(:reverses AS uuid[]),
            CAST(:chain_seqs AS bigint[]), CAST(:chain_hashes AS bytea[]), CAST(:chain_forms AS smallint[]))
    ), headed AS (
        UPDATE chain_head SET last_hash = n.hash
        FROM unnest(CAST(:head_regions AS text[]), CAST(:head_hashes AS bytea[])) AS n(region, hash)
        WHERE chain_head.region = n.region
    ), moved AS (
        INSERT INTO posting_line (posting_id, line_no, item, lot, quantity, from_place, to_place, occurred_at,
                                  recorded_at, late_by)
        SELECT l.posting_id, coalesce(l.line_no, nextval('late_line_no')), l.item, l.lot, l.quantity, l.from_place,
               l.to_place, l.occurred_at, l.recorded_at, l.late_by
        FROM unnest(
            CAST(:line_ids AS uuid[]), CAST(:line_nos AS integer[]), CAST(:line_items AS text[]),
            CAST(:line_lots AS text[]), CAST(:quantities AS bigint[]), CAST(:froms AS text[]), CAST(:tos AS text[]),
            CAST(:line_occurred AS timestamptz[]), CAST(:line_recorded AS timestamptz[]), CAST(:late_by AS uuid[]))
            AS l(posting_id, line_no, item, lot, quantity, from_place, to_place, occurred_at, recorded_at, late_by)
    ), counted AS (
        INSERT INTO card_day (place, item, lot, day, opening, incoming, outgoing, lowest)
        SELECT * FROM unnest(
            CAST(:day_places AS text[]), CAST(:day_items AS text[]), CAST(:day_lots AS text[]), CAST(:days AS date[]),
            CAST(:openings AS bigint[]), CAST(:incoming AS bigint[]), CAST(:outgoing AS bigint[]),
            CAST(:lowest AS bigint[]))
        ON CONFLICT (place, item, lot, day) DO UPDATE SET opening = excluded.opening, incoming = excluded.incoming,
            outgoing = excluded.outgoing, lowest = excluded.lowest
    )
    UPDATE card SET on_hand = n.on_hand, last_occurred_at = n.last_occurred_at
    FROM unnest(CAST(:places AS text[]), CAST(:items AS text[]), CAST(:lots AS text[]), CAST(:on_hand AS bigint[]),
                CAST(:last AS timestamptz[])) AS n(place, item, lot, on_hand, last_occurred_at)
    WHERE (card.place, card.item, card.lot) = (n.place, n.item, n.lot)
    """
)


Series = tuple[str, date, Kind]
"""What documents are numbered by: office, month and kind."""


@dataclass(frozen=True, slots=True)
class Raised:
    """What was raised for some postings, and stays locked until the commit.

    Shape: `last` is the last number that was taken of each series; `heads` are those of the regions' chains before
    """

    last: Mapping[Series, int]
    heads: dict[str, Head]


async def raise_counters(session: AsyncSession, series: Mapping[Series, int]) -> Raised:
    """Take so many numbers of each series, and as many places in the chain of each office's region."""
    ordered = sorted(series)
    postings: Counter[str] = Counter()
    for office, month, kind in ordered:
        postings[office] += series[office, month, kind]
    regions = sorted(postings)
    rows = await session.execute(
        RAISE,
        {
            "offices": [office for office, _, _ in ordered],
            "months": [month for _, month, _ in ordered],
            "kinds": [SERIES[kind] for _, _, kind in ordered],
            "counts": [series[key] for key in ordered],
            "regions": regions,
            "postings": [postings[region] for region in regions],
            "start": START.hash,
        },
    )
    last: dict[tuple[str, date, str], int] = {}
    heads: dict[str, Head] = {}
    for office, month, kind, number, hash_ in rows:
        if hash_ is None:
            last[office, month, kind] = number
        else:
            heads[office] = Head(number - postings[office], hash_)
    return Raised({key: last[key[0], key[1], SERIES[key[2]]] for key in ordered}, heads)


async def write(session: AsyncSession, posted: Sequence[Posted], heads: dict[str, Head], cards: Cards) -> None:
    """Write postings with their lines, linked to the chains of their regions, and what they changed on their cards."""
    changed = [card for card in cards.values() if card.changed]
    if fresh := [card.key for card in changed if card.is_new]:
        # A reserved card is opened under the lock of the free one, by whoever is the first to reserve of it.
        await session.execute(OPEN_CARDS, columns(fresh))
    links = _links(linked(posted, heads), heads)
    await session.execute(WRITE, _journal(posted) | links | _lines(posted) | _days(changed) | _balances(changed))


def _links(links: Sequence[Head], heads: Mapping[str, Head]) -> dict[str, object]:
    return {
        "chain_seqs": array([link.seq for link in links]),
        "chain_hashes": [link.hash for link in links],
        "chain_forms": array([FORM for _ in links]),
        "head_regions": array(list(heads)),
        "head_hashes": [head.hash for head in heads.values()],
    }


def _journal(posted: Sequence[Posted]) -> dict[str, object]:
    return {
        "ids": array([one.draft.id for one in posted]),
        "numbers": array([one.number for one in posted]),
        "kinds": array([one.draft.kind.value for one in posted]),
        "regions": array([one.draft.region for one in posted]),
        "occurred": array([one.draft.occurred_at for one in posted]),
        "recorded": array([one.recorded_at for one in posted]),
        "actors": array([one.draft.actor for one in posted]),
        "documents": array([one.draft.document for one in posted]),
        "reasons": array([one.draft.reason for one in posted]),
        "reverses": array([one.draft.reverses for one in posted]),
    }


def _lines(posted: Sequence[Posted]) -> dict[str, object]:
    lines: list[tuple[Moment, int | None, Line, UUID | None]] = []
    for one in posted:
        lines += [(one.moment, number, line, None) for number, line in enumerate(one.lines, 1)]
        lines += [(count, None, line, one.draft.id) for count, line in one.taken_up]
    return {
        "line_ids": array([moment.posting_id for moment, _, _, _ in lines]),
        "line_nos": array([number for _, number, _, _ in lines]),
        "line_items": array([line.item for _, _, line, _ in lines]),
        "line_lots": array([line.lot or NO_LOT for _, _, line, _ in lines]),
        "quantities": array([line.quantity for _, _, line, _ in lines]),
        "froms": array([line.from_place for _, _, line, _ in lines]),
        "tos": array([line.to_place for _, _, line, _ in lines]),
        "line_occurred": array([moment.occurred_at for moment, _, _, _ in lines]),
        "line_recorded": array([moment.recorded_at for moment, _, _, _ in lines]),
        "late_by": array([late_by for _, _, _, late_by in lines]),
    }


def _days(cards: Collection[Card]) -> dict[str, object]:
    days = [(card.key, day) for card in cards for day in card.days if day.changed]
    return {
        "day_places": array([key.place for key, _ in days]),
        "day_items": array([key.item for key, _ in days]),
        "day_lots": array([key.lot for key, _ in days]),
        "days": array([day.day for _, day in days]),
        "openings": array([day.opening for _, day in days]),
        "incoming": array([day.incoming for _, day in days]),
        "outgoing": array([day.outgoing for _, day in days]),
        "lowest": array([day.lowest for _, day in days]),
    }


def _balances(cards: Collection[Card]) -> dict[str, object]:
    return {
        "places": array([card.key.place for card in cards]),
        "items": array([card.key.item for card in cards]),
        "lots": array([card.key.lot for card in cards]),
        "on_hand": array([card.on_hand for card in cards]),
        "last": array([card.last_occurred_at for card in cards]),
    }
