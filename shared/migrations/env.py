"""What Alembic runs for every service: the revisions, on the connection and for the tables it is given."""

from typing import Any, Literal

from alembic import context
from sqlmodel import AutoString


def plain(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write SQLModel's own string type as the one it stands for, so that a revision needs SQLAlchemy only."""
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["tables"],
    compare_type=True,
    compare_server_default=True,
    render_item=plain,
)
with context.begin_transaction():
    context.run_migrations()
