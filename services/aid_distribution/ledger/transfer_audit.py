"""How it is seen that what is under way by the journal is what the transfers say."""

from sqlalchemy import TextClause, text

UNDER_WAY = """
    WITH journal AS (
        SELECT item, lot, sum(CASE WHEN to_place = 'IN-TRANSIT' THEN quantity ELSE -quantity END) AS quantity
        FROM posting_line WHERE 'IN-TRANSIT' IN (from_place, to_place) GROUP BY item, lot
    ), sent AS (
        SELECT l.item, l.lot, sum(l.dispatched) AS quantity FROM transfer_line l
        JOIN transfer t ON t.id = l.transfer_id AND t.state = 'in_transit' GROUP BY l.item, l.lot
    )
    SELECT concat_ws(' ', item, nullif(lot, '')), coalesce(j.quantity, 0), coalesce(s.quantity, 0)
    FROM journal j FULL JOIN sent s USING (item, lot)
    WHERE coalesce(j.quantity, 0) <> coalesce(s.quantity, 0) ORDER BY 1
"""
LINES = """
    WITH sent AS (
        SELECT t.number, l.item, l.lot, sum(l.dispatched) AS quantity
        FROM transfer t JOIN transfer_line l ON l.transfer_id = t.id GROUP BY t.id, l.item, l.lot
    ), posted AS (
        SELECT t.number, l.item, l.lot, sum(l.quantity) AS quantity FROM transfer t
        JOIN posting_line l ON l.posting_id = t.posting_id AND l.to_place = 'IN-TRANSIT' GROUP BY t.id, l.item, l.lot
    )
    SELECT concat_ws(' ', number, item, nullif(lot, '')), coalesce(p.quantity, 0), coalesce(s.quantity, 0)
    FROM posted p FULL JOIN sent s USING (number, item, lot)
    WHERE coalesce(p.quantity, 0) <> coalesce(s.quantity, 0) ORDER BY 1
"""
ARRIVED = """
    WITH told AS (
        SELECT t.number, l.item, l.lot, sum(l.accepted) AS quantity
        FROM transfer t JOIN transfer_line l ON l.transfer_id = t.id WHERE t.state = 'received'
        GROUP BY t.id, l.item, l.lot HAVING sum(l.accepted) > 0
    ), posted AS (
        SELECT t.number, l.item, l.lot, sum(l.quantity) AS quantity FROM transfer t
        JOIN posting_line l ON l.posting_id = t.receipt_posting_id AND l.to_place = t.to_place AND l.late_by IS NULL
        GROUP BY t.id, l.item, l.lot
    )
    SELECT concat_ws(' ', number, item, nullif(lot, '')), coalesce(p.quantity, 0), coalesce(s.quantity, 0)
    FROM posted p FULL JOIN told s USING (number, item, lot)
    WHERE coalesce(p.quantity, 0) <> coalesce(s.quantity, 0) ORDER BY 1
"""
VOIDED = """
    SELECT t.number, CASE WHEN v.id IS NULL THEN 'posted' ELSE 'voided' END,
           CASE WHEN t.void_posting_id IS NULL THEN 'posted' ELSE 'voided' END
    FROM transfer t LEFT JOIN posting v ON v.reverses = t.posting_id
    WHERE t.void_posting_id IS DISTINCT FROM v.id ORDER BY 1
"""
CHECKS: dict[str, TextClause] = {
    "in_transit_is_sum_of_transfers": text(UNDER_WAY),
    "transfer_lines_are_its_posting": text(LINES),
    "received_lines_are_their_posting": text(ARRIVED),
    "transfer_is_voided_by_its_reversal": text(VOIDED),
}
