"""The tables that every service keeps for the backbone, as revision 0001 of each makes them.

What stands here is history and does not change; a later change of the backbone is a function of its own, called
from a new revision of every service.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create_tables() -> None:
    """Make the tables of the backbone as they were at the first release."""
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("regions", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id ~ '^[0-9a-f]{16}$'", name="api_key_id_well_formed"),
        sa.CheckConstraint(
            "role IN ('regency_officer', 'province_staff', 'auditor', 'operator', 'service')", name="api_key_role_known"
        ),
        sa.CheckConstraint("subject <> ''", name="api_key_subject_present"),
        sa.CheckConstraint("cardinality(regions) > 0", name="api_key_regions_present"),
        sa.CheckConstraint("expires_at > created_at", name="api_key_expires_later"),
        sa.CheckConstraint("length(secret_hash) = 32", name="api_key_secret_is_hashed"),
        sa.CheckConstraint("revoked_at >= created_at", name="api_key_revoked_later"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("headers", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("statement_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("length(key) BETWEEN 1 AND 200", name="idempotency_key_length"),
        sa.CheckConstraint("octet_length(request_hash) = 32", name="idempotency_request_hash_length"),
        sa.PrimaryKeyConstraint("caller", "key"),
    )
    op.create_index("idempotency_created_at", "idempotency", ["created_at"], unique=False)
    op.create_table(
        "outbox_head",
        sa.Column("partition", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("last_seq >= 0", name="outbox_head_last_seq_not_negative"),
        sa.PrimaryKeyConstraint("partition"),
    )
    op.create_table(
        "outbox",
        sa.Column("partition", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("traceparent", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("seq > 0", name="outbox_seq_positive"),
        sa.ForeignKeyConstraint(
            ["partition"],
            ["outbox_head.partition"],
        ),
        sa.PrimaryKeyConstraint("partition", "seq"),
    )
    op.create_index("outbox_id", "outbox", ["id"], unique=True)
    op.create_index("outbox_time", "outbox", ["time"], unique=False)
    op.create_table(
        "checkpoint",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("partition", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("last_seq >= 0", name="checkpoint_last_seq_not_negative"),
        sa.PrimaryKeyConstraint("source", "partition"),
    )
    op.create_table(
        "parked",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("partition", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("traceparent", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("due_at IS NOT NULL OR reason = 'behind'", name="parked_first_is_due"),
        sa.CheckConstraint("reason IN ('poison', 'not_yet', 'behind')", name="parked_reason_known"),
        sa.CheckConstraint("(id IS NULL) = (time IS NULL)", name="parked_unreadable_whole"),
        sa.CheckConstraint("attempts >= 0", name="parked_attempts_not_negative"),
        sa.CheckConstraint("seq > 0", name="parked_seq_positive"),
        sa.PrimaryKeyConstraint("source", "partition", "seq"),
    )
    op.create_index("parked_due_at", "parked", ["due_at"], unique=False)
    op.create_index("parked_subject", "parked", ["source", "partition", "subject", "seq"], unique=False)


def drop_tables() -> None:
    """Take them away again."""
    op.drop_table("parked")
    op.drop_table("checkpoint")
    op.drop_table("outbox")
    op.drop_table("outbox_head")
    op.drop_table("idempotency")
    op.drop_table("api_key")


def create_operating_tables() -> None:
    """Make what the commands of operators keep: their acts, and the consumers that are not waited for."""
    op.create_table(
        "operator_act",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("partition", sa.SmallInteger(), nullable=True),
        sa.Column("first_seq", sa.BigInteger(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=True),
        sa.Column("event", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "act IN ('drop', 'retry', 'replay', 'position', 'mend', 'refill', 'unregister', 'register', 'rebuild')",
            name="operator_act_known",
        ),
        sa.CheckConstraint("length(actor) BETWEEN 1 AND 200", name="operator_act_actor_length"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 500", name="operator_act_reason_length"),
        sa.CheckConstraint("first_seq <= last_seq", name="operator_act_range"),
        sa.CheckConstraint("act <> 'drop' OR event IS NOT NULL", name="operator_act_keeps_what_it_drops"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("operator_act_at", "operator_act", ["at", "id"], unique=False)
    op.create_table(
        "retired_consumer",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("consumer"),
    )


def drop_operating_tables() -> None:
    """Take them away again."""
    op.drop_table("retired_consumer")
    op.drop_table("operator_act")


def create_ended_sessions() -> None:
    """Make what is kept of sessions that were ended before their time."""
    op.create_table(
        "ended_session",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(mark) = 32", name="ended_session_mark_length"),
        sa.PrimaryKeyConstraint("mark"),
    )
    op.create_index("ended_session_expires_at", "ended_session", ["expires_at"], unique=False)


def drop_ended_sessions() -> None:
    """Take it away again."""
    op.drop_table("ended_session")
