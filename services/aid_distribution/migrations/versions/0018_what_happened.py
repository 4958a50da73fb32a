"""What a rule stands against is parked too; when a business closed, and which one it has turned out to be."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SHORT = "stock_exception_is_short_of_something"


def upgrade() -> None:
    op.drop_constraint(SHORT, "stock_exception", type_="check")
    op.create_check_constraint(
        SHORT, "stock_exception", "last_refusal <> 'short_of_stock' OR jsonb_array_length(cards) > 0"
    )
    op.add_column("known_business", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("known_business", sa.Column("survivor", sa.Uuid(), nullable=True))
    op.create_check_constraint(
        "known_business_closed_at", "known_business", "state = 'closed' OR (closed_at IS NULL AND survivor IS NULL)"
    )
    op.create_check_constraint("known_business_survives_another", "known_business", "survivor <> id")
    op.create_index(
        "known_business_by_survivor", "known_business", ["survivor"], postgresql_where=sa.text("survivor IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("known_business_by_survivor", "known_business")
    op.drop_constraint("known_business_survives_another", "known_business", type_="check")
    op.drop_constraint("known_business_closed_at", "known_business", type_="check")
    op.drop_column("known_business", "survivor")
    op.drop_column("known_business", "closed_at")
    op.drop_constraint(SHORT, "stock_exception", type_="check")
    # What was parked for another reason stays parked: only what comes next has to be short of something again.
    op.execute(f"ALTER TABLE stock_exception ADD CONSTRAINT {SHORT} CHECK (jsonb_array_length(cards) > 0) NOT VALID")
