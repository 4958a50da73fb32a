"""Lists are found in their order, however long the history is that they are chosen from."""

from alembic import op
from sqlalchemy import text

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INDEXES = {
    "distribution_by_place": ("distribution", ["place", "occurred_at", "id"]),
    "distribution_by_programme": ("distribution", ["programme", "occurred_at", "id"]),
    "distribution_of_place_by_programme": ("distribution", ["place", "programme", "occurred_at", "id"]),
    "distribution_of_region_by_programme": ("distribution", ["region", "programme", "occurred_at", "id"]),
    "alert_by_kind": ("alert", ["kind", "raised_at", "id"]),
    "alert_by_place": ("alert", ["place", "raised_at", "id"]),
    "alert_of_region_by_kind": ("alert", ["region", "kind", "raised_at", "id"]),
    "market_by_state": ("market", ["state", "opens_at", "id"]),
    "price_observation_of_item": ("price_observation", ["item", "observed_at", "id"]),
    "price_observation_of_place": ("price_observation", ["place", "observed_at", "id"]),
    "production_order_by_state": ("production_order", ["state", "offered_at", "id"]),
    "allocation_plan_by_item": ("allocation_plan", ["item", "id"]),
    "loan_of_any_state": ("loan", ["due_on", "id"]),
    "loan_of_place": ("loan", ["place", "due_on", "id"]),
    "stock_exception_of_any_state": ("stock_exception", ["due_at", "id"]),
    "stock_exception_of_owner": ("stock_exception", ["owner", "due_at", "id"]),
    "stock_return_by_time": ("stock_return", ["occurred_at", "id"]),
    "stock_return_of_place": ("stock_return", ["place", "occurred_at", "id"]),
    "reservation_by_time": ("reservation", ["reserved_at", "id"]),
}


def upgrade() -> None:
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)
    op.create_index("posting_of_a_count", "posting", ["id"], postgresql_where=text("kind = 'count'"))


def downgrade() -> None:
    op.drop_index("posting_of_a_count", "posting")
    for name, (table, _) in reversed(INDEXES.items()):
        op.drop_index(name, table)
