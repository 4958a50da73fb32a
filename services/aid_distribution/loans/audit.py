"""How it is seen that what is out by the journal is what the loans say."""

from sqlalchemy import TextClause, text

OUT = """
    WITH journal AS (
        SELECT item, lot, sum(CASE WHEN to_place = 'ON-LOAN' THEN quantity ELSE -quantity END) AS quantity
        FROM posting_line WHERE 'ON-LOAN' IN (from_place, to_place) GROUP BY item, lot
    ), lent AS (
        SELECT item, lot, sum(quantity - returned - lost) AS quantity FROM loan_line
        JOIN loan ON loan.id = loan_line.loan_id AND loan.state <> 'voided' GROUP BY item, lot
    )
    SELECT concat_ws(' ', item, nullif(lot, '')), coalesce(j.quantity, 0), coalesce(l.quantity, 0)
    FROM journal j FULL JOIN lent l USING (item, lot)
    WHERE coalesce(j.quantity, 0) <> coalesce(l.quantity, 0) ORDER BY 1
"""
STATES = """
    SELECT l.number, CASE WHEN sum(n.quantity - n.returned - n.lost) > 0 THEN 'open' ELSE 'returned' END, l.state
    FROM loan l JOIN loan_line n ON n.loan_id = l.id WHERE l.state <> 'voided' GROUP BY l.id, l.number, l.state
    HAVING (sum(n.quantity - n.returned - n.lost) > 0) <> (l.state = 'open') ORDER BY 1
"""
VOIDED = """
    SELECT d.number, CASE WHEN v.id IS NULL THEN 'posted' ELSE 'voided' END,
           CASE WHEN d.void_posting_id IS NULL THEN 'posted' ELSE 'voided' END
    FROM (SELECT number, posting_id, void_posting_id FROM loan
          UNION ALL SELECT number, posting_id, void_posting_id FROM loan_return) d
    LEFT JOIN posting v ON v.reverses = d.posting_id
    WHERE d.void_posting_id IS DISTINCT FROM v.id ORDER BY 1
"""
CHECKS: dict[str, TextClause] = {
    "on_loan_is_sum_of_loans": text(OUT),
    "loan_is_voided_by_its_reversal": text(VOIDED),
    "loan_is_returned_when_nothing_is_out": text(STATES),
}
