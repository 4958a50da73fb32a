"""Registrations that were refused since their NIK or NIB is known: one open case of each known owner."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "refused_registration",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("nik_tries", sa.Integer(), nullable=False),
        sa.Column("nib_tries", sa.Integer(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("last_by", sa.Text(), nullable=False),
        sa.Column("last_region", sa.Text(), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "nik_tries BETWEEN 0 AND 1000000000 AND nib_tries BETWEEN 0 AND 1000000000 AND nik_tries + nib_tries > 0",
            name="refused_registration_tries_counted",
        ),
        sa.CheckConstraint("last_at >= opened_at", name="refused_registration_moments_ascend"),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (reason IS NULL)",
            name="refused_registration_closed_with_reason",
        ),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 200", name="refused_registration_reason_length"),
        sa.ForeignKeyConstraint(["owner_id"], ["owner.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "refused_registration_one_open", "refused_registration", ["owner_id"], unique=True, postgresql_where=is_open
    )
    op.create_index("refused_registration_of_owner", "refused_registration", ["owner_id", "id"])


def downgrade() -> None:
    op.drop_table("refused_registration")
