"""Whoever splits a broadcast into several tells no more people alone: the store says so too."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KEEP_FEW = """
    CREATE FUNCTION broadcast_keep_few() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE alone bigint;
    BEGIN
        SELECT coalesce(sum(CASE WHEN state IN ('running', 'paused') THEN greatest(counted, told) ELSE told END), 0)
        INTO alone FROM broadcast
        WHERE submitted_by = NEW.submitted_by AND approved_by IS NULL AND id <> NEW.id
          AND submitted_at > NEW.submitted_at - interval '24 hours'
          AND state IN ('running', 'paused', 'done', 'cancelled', 'expired');
        IF alone + NEW.counted > 500 THEN
            RAISE EXCEPTION '% people are told alone within a day, and more need a second person', alone + NEW.counted
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
"""


def upgrade() -> None:
    op.execute(KEEP_FEW)
    op.execute(
        "CREATE TRIGGER broadcast_keep_few BEFORE UPDATE OF state ON broadcast FOR EACH ROW"
        " WHEN (OLD.state = 'draft' AND NEW.state = 'running' AND NEW.approved_by IS NULL)"
        " EXECUTE FUNCTION broadcast_keep_few()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER broadcast_keep_few ON broadcast")
    op.execute("DROP FUNCTION broadcast_keep_few()")
