"""How it is seen that what is kept of returned goods is the sum of the returns, and that nothing came back twice."""

from sqlalchemy import TextClause, text

RETURNED = """
    WITH back AS (
        SELECT r.returns AS posting_id, l.item, l.lot, sum(l.quantity) AS returned
        FROM stock_return r JOIN posting_line l ON l.posting_id = r.posting_id AND l.late_by IS NULL
        WHERE r.returns IS NOT NULL AND r.void_posting_id IS NULL GROUP BY 1, 2, 3
    ), moved AS (
        SELECT k.posting_id, k.item, k.lot, sum(l.quantity) AS moved
        FROM posting_returned k
        LEFT JOIN posting_line l ON (l.posting_id, l.item, l.lot) = (k.posting_id, k.item, k.lot) AND l.late_by IS NULL
        GROUP BY 1, 2, 3
    )
    SELECT concat_ws(' ', posting_id, item, nullif(lot, '')), concat_ws(' of ', b.returned, m.moved),
           concat_ws(' of ', k.returned, k.moved)
    FROM back b FULL JOIN posting_returned k USING (posting_id, item, lot)
    LEFT JOIN moved m USING (posting_id, item, lot)
    WHERE (b.returned, m.moved) IS DISTINCT FROM (k.returned, k.moved) ORDER BY 1
"""
VOIDED = """
    SELECT r.number, CASE WHEN v.id IS NULL THEN 'posted' ELSE 'voided' END,
           CASE WHEN r.void_posting_id IS NULL THEN 'posted' ELSE 'voided' END
    FROM stock_return r LEFT JOIN posting v ON v.reverses = r.posting_id
    WHERE r.void_posting_id IS DISTINCT FROM v.id ORDER BY 1
"""
TWICE = """
    SELECT DISTINCT p.number, 'not reversed', 'reversed by ' || v.number
    FROM posting_returned k JOIN posting p ON p.id = k.posting_id JOIN posting v ON v.reverses = p.id ORDER BY 1
"""
CHECKS: dict[str, TextClause] = {
    "returned_is_sum_of_returns": text(RETURNED),
    "return_is_voided_by_its_reversal": text(VOIDED),
    "returned_posting_is_not_reversed": text(TWICE),
}
