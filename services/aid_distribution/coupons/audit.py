"""How it is seen that the entitlement of each round is what its coupons say, and each distribution has its own."""

from sqlalchemy import TextClause, text

ENTITLED = """
    WITH round AS (
        SELECT r.number, r.place, r.item, CASE r.state WHEN 'open' THEN count(c.id) FILTER (WHERE c.used_at IS NULL)
                                                       ELSE 0 END AS due
        FROM coupon_round r LEFT JOIN household_coupon c ON c.round_id = r.id GROUP BY r.id
    )
    SELECT r.number, r.due, coalesce(sum(k.on_hand), 0)
    FROM round r LEFT JOIN card k ON (k.place, k.item) = (r.place, r.item)
    GROUP BY r.number, r.due HAVING r.due <> coalesce(sum(k.on_hand), 0) ORDER BY 1
"""
GIVEN = """
    SELECT r.number, count(c.id), r.issued FROM coupon_round r LEFT JOIN household_coupon c ON c.round_id = r.id
    GROUP BY r.id HAVING count(c.id) <> r.issued ORDER BY 1
"""
USED = """
    SELECT d.number, d.households, count(c.id) FROM distribution d
    LEFT JOIN household_coupon c ON c.distribution_id = d.id
    WHERE d.state = 'posted' GROUP BY d.id HAVING d.households <> count(c.id) ORDER BY 1
"""
CHECKS: dict[str, TextClause] = {
    "entitlement_is_unused_coupons": text(ENTITLED),
    "given_coupons_are_counted": text(GIVEN),
    "households_are_used_coupons": text(USED),
}
