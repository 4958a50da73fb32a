"""Lists of distributions and counts are found in their order, however long the history is that they are chosen from."""

from alembic import op
from sqlalchemy import text

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INDEXES = {
    "distribution_by_place": ["place", "occurred_at", "id"],
    "distribution_by_programme": ["programme", "occurred_at", "id"],
    "distribution_of_place_by_programme": ["place", "programme", "occurred_at", "id"],
    "distribution_of_region_by_programme": ["region", "programme", "occurred_at", "id"],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "distribution", columns)
    op.create_index("posting_of_a_count", "posting", ["id"], postgresql_where=text("kind = 'count'"))


def downgrade() -> None:
    op.drop_index("posting_of_a_count", "posting")
    for name in reversed(INDEXES):
        op.drop_index(name, "distribution")
