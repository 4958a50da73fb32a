"""How it is seen that what a market keeps beside its sales is the sum of them, less what came back."""

from sqlalchemy import TextClause, text

SOLD = """
    SELECT concat_ws(' ', m.number, i.item), coalesce(s.quantity, 0), i.sold
    FROM market_item i JOIN market m ON m.id = i.market_id LEFT JOIN (
        SELECT s.market_id, l.item, sum(l.quantity - l.returned)::bigint AS quantity
        FROM market_sale s JOIN market_sale_line l ON l.sale_id = s.id
        WHERE s.posting_id IS NOT NULL AND NOT s.beyond_allotment GROUP BY 1, 2
    ) s ON (s.market_id, s.item) = (i.market_id, i.item)
    WHERE i.sold <> coalesce(s.quantity, 0) ORDER BY 1
"""
# A family is not named: its reference stands for people.
TAKEN = """
    WITH taken AS (
        SELECT s.market_id, s.family, l.item, sum(l.quantity - l.returned)::bigint AS quantity
        FROM market_sale s JOIN market_sale_line l ON l.sale_id = s.id
        WHERE s.coupon_id IS NULL AND s.posting_id IS NOT NULL AND NOT s.beyond_limit GROUP BY 1, 2, 3
    )
    SELECT concat_ws(' ', m.number, item, 'of a family'), coalesce(t.quantity, 0), coalesce(f.quantity, 0)
    FROM taken t FULL JOIN market_family f USING (market_id, family, item) JOIN market m ON m.id = market_id
    WHERE coalesce(t.quantity, 0) <> coalesce(f.quantity, 0) ORDER BY 1
"""
RETURNED = """
    WITH back AS (
        SELECT s.id AS sale_id, l.item, sum(l.quantity)::bigint AS quantity
        FROM market_sale s JOIN stock_return r ON r.returns = s.posting_id
        JOIN posting_line l ON l.posting_id = r.posting_id AND l.late_by IS NULL
        WHERE r.void_posting_id IS NULL GROUP BY 1, 2
    )
    SELECT concat_ws(' ', sale_id, item), coalesce(b.quantity, 0), coalesce(k.returned, 0)
    FROM back b FULL JOIN market_sale_line k USING (sale_id, item)
    WHERE coalesce(b.quantity, 0) <> coalesce(k.returned, 0) ORDER BY 1
"""
SETTLED = """
    SELECT m.number, coalesce(sum(l.settled * l.subsidy_rupiah), 0), c.settled_rupiah
    FROM market_claim c JOIN market m ON m.id = c.market_id LEFT JOIN market_claim_line l ON l.claim_id = c.id
    WHERE c.settled_rupiah IS NOT NULL
    GROUP BY m.number, c.settled_rupiah
    HAVING coalesce(sum(l.settled * l.subsidy_rupiah), 0) <> c.settled_rupiah ORDER BY 1
"""
CHECKS: dict[str, TextClause] = {
    "sold_is_sum_of_sales": text(SOLD),
    "taken_by_families_is_sum_of_sales": text(TAKEN),
    "returned_of_sales_is_sum_of_returns": text(RETURNED),
    "settled_is_sum_of_claim_lines": text(SETTLED),
}
