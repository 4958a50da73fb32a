"""Imports say what their rows are about: businesses, or the answers to a wave of a survey."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLE = "business_import"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("about", sa.Text(), server_default="businesses", nullable=False))
    op.add_column(TABLE, sa.Column("survey_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("business_import_survey_id_fkey", TABLE, "survey", ["survey_id"], ["id"])
    op.create_check_constraint("business_import_about_known", TABLE, "about IN ('businesses', 'survey_answers')")
    op.create_check_constraint(
        "business_import_of_a_survey", TABLE, "(about = 'survey_answers') = (survey_id IS NOT NULL)"
    )


def downgrade() -> None:
    op.execute(
        "DELETE FROM business_import_finding WHERE import_id IN (SELECT id FROM business_import WHERE about <> 'businesses')"
    )
    op.execute(
        "DELETE FROM business_import_chunk WHERE import_id IN (SELECT id FROM business_import WHERE about <> 'businesses')"
    )
    op.execute("DELETE FROM business_import WHERE about <> 'businesses'")
    op.drop_column(TABLE, "survey_id")
    op.drop_column(TABLE, "about")
