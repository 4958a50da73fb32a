"""Journals stay append-only, but for the erasure of the one person whom a transaction says that it erases."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

GUARDS = {"refuse_change": "append-only", "refuse_change_of_record": "append only"}
ERASING = """
    IF TG_OP = 'UPDATE' AND OLD.owner_id::text = current_setting('serumpun.erases', true) AND NEW.id = OLD.id THEN
        RETURN NEW;
    END IF;
"""


def _guard(name: str, says: str, erasing: str = "") -> str:
    return f"""
        CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {erasing}
            RAISE EXCEPTION '% is {says}', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END $$
    """


def upgrade() -> None:
    for name, says in GUARDS.items():
        op.execute(_guard(name, says, ERASING))


def downgrade() -> None:
    for name, says in GUARDS.items():
        op.execute(_guard(name, says))
