"""How it is seen that what a plan gives is what was sent for it."""

from sqlalchemy import TextClause, text

SENT = """
    SELECT concat_ws(' ', n.plan_id, n.region), concat_ws(' ', p.item, n.quantity), concat_ws(' ', l.item, l.quantity)
    FROM allocation_line n JOIN allocation_plan p ON p.id = n.plan_id
    LEFT JOIN LATERAL (
        SELECT min(item) AS item, sum(dispatched) AS quantity FROM transfer_line WHERE transfer_id = n.transfer_id
    ) l ON true
    WHERE p.state = 'confirmed' AND n.quantity > 0 AND (l.item, l.quantity) IS DISTINCT FROM (p.item, n.quantity)
    ORDER BY 1
"""
CHECKS: dict[str, TextClause] = {"plan_line_is_its_transfer": text(SENT)}
