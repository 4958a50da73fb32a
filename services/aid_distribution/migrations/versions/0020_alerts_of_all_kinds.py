"""What alerts of prices and stations ask for is found without reading all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("station_dry", "station", ["id"], postgresql_where=sa.text("state = 'dry'"))
    op.create_index("price_watch_those_above", "price_watch", ["place", "item"], postgresql_where=sa.text("above"))


def downgrade() -> None:
    op.drop_index("price_watch_those_above", "price_watch")
    op.drop_index("station_dry", "station")
