"""How it is seen that a broadcast told those whom its figures name, each once, and no more than somebody has let go."""

from sqlalchemy import TextClause, text

from services.notifications.broadcasts.domain import ALONE_MAX, ALONE_WITHIN

TOLD = """
    SELECT b.id, count(r.person), b.told FROM broadcast b LEFT JOIN broadcast_recipient r ON r.broadcast_id = b.id
    GROUP BY b.id, b.told HAVING count(r.person) <> b.told ORDER BY 1
"""
MESSAGES = """
    SELECT concat_ws(' ', r.broadcast_id, r.person), concat_ws(' ', 'broadcast/' || r.broadcast_id, r.person),
           concat_ws(' ', m.fact, m.person)
    FROM broadcast_recipient r JOIN message m ON m.id = r.message_id
    WHERE m.fact <> 'broadcast/' || r.broadcast_id OR m.person <> r.person ORDER BY 1
"""
STRAY = """
    SELECT m.id, 'a recipient', 'none' FROM message m
    WHERE m.purpose = 'broadcast' AND NOT EXISTS (SELECT FROM broadcast_recipient r WHERE r.message_id = m.id)
    ORDER BY 1
"""
SENT = """
    SELECT concat_ws(' ', r.broadcast_id, r.person), r.outcome,
           CASE WHEN r.outcome = 'outside' THEN 'no delivery' ELSE 'a delivery' END
    FROM broadcast_recipient r
    WHERE (r.outcome = 'outside') <> EXISTS (SELECT FROM delivery d WHERE d.message_id = r.message_id) ORDER BY 1
"""
STEPS = """
    SELECT b.id, concat_ws(' ', count(s.no), max(s.state) FILTER (WHERE s.no = b.steps)),
           concat_ws(' ', b.steps, b.state)
    FROM broadcast b LEFT JOIN broadcast_step s ON s.broadcast_id = b.id GROUP BY b.id, b.steps, b.state
    HAVING count(s.no) <> b.steps OR max(s.state) FILTER (WHERE s.no = b.steps) IS DISTINCT FROM b.state ORDER BY 1
"""
# Of what has ended no more counts than it may have counted when the later one was let go.
ALONE = f"""
    SELECT b.id, '{ALONE_MAX} at most', b.counted + sum(CASE WHEN o.state IN ('running', 'paused') THEN o.counted
        ELSE least(o.counted, o.told) END)
    FROM broadcast b JOIN broadcast o ON o.submitted_by = b.submitted_by AND o.id <> b.id AND o.approved_by IS NULL
        AND o.submitted_at <= b.submitted_at
        AND o.submitted_at > b.submitted_at - interval '{ALONE_WITHIN.total_seconds():.0f} seconds'
    WHERE b.approved_by IS NULL
      AND EXISTS (SELECT FROM broadcast_step s WHERE s.broadcast_id = b.id AND s.state = 'running')
      AND EXISTS (SELECT FROM broadcast_step s WHERE s.broadcast_id = o.id AND s.state = 'running')
    GROUP BY b.id, b.counted HAVING b.counted + sum(CASE WHEN o.state IN ('running', 'paused') THEN o.counted
        ELSE least(o.counted, o.told) END) > {ALONE_MAX} ORDER BY 1
"""  # noqa: S608  numbers of ours
CHECKS: dict[str, TextClause] = {
    "broadcast_told_is_counted": text(TOLD),
    "broadcast_message_is_of_its_reader": text(MESSAGES),
    "broadcast_message_has_its_reader": text(STRAY),
    "broadcast_goes_out_as_noted": text(SENT),
    "broadcast_is_its_last_step": text(STEPS),
    "broadcast_few_are_told_alone": text(ALONE),
}
"""Every figure of broadcasts that is kept beside what it follows from, as a question for those that disagree."""
