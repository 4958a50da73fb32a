"""A retry is free: the answer to a request is stored in the transaction of its effect, under the caller's key.

The same key gives the first answer again, byte for byte. The same key with another request is refused, and so
is a retry while the first is still running. A refused request stores nothing: it did nothing, or it was an attempt that
is counted and may be made again.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import cast

import msgspec
from sqlalchemy import CheckConstraint, Column, DateTime, Index, LargeBinary, SmallInteger, func, text
from sqlalchemy.engine import CursorResult
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.arrays import array, of_arrays
from shared.crashpoints import reach
from shared.privacy import FORM, Unreadable, Vault
from shared.problems import KeyReused, Refusal, StillRunning

REPLAYED_HEADER = "Idempotency-Replayed"
KEY_LENGTH_MAX = 200


class IdempotencyRow(SQLModel, table=True):
    """The first answer to a request, kept for a caller's retries."""

    __tablename__ = "idempotency"
    __table_args__ = (
        CheckConstraint("octet_length(request_hash) = 32", name="idempotency_request_hash_length"),
        CheckConstraint(f"length(key) BETWEEN 1 AND {KEY_LENGTH_MAX}", name="idempotency_key_length"),
        Index("idempotency_created_at", "created_at"),
    )

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    status: int = Field(sa_column=Column(SmallInteger, nullable=False))
    headers: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.statement_timestamp())
    )


class Key(msgspec.Struct, frozen=True):
    """Whose retry this would be, and of what."""

    caller: str
    key: str
    request_hash: bytes

    @property
    def lock(self) -> int:
        """Give the number of the advisory lock that stands for "this request is running"."""
        digest = hashlib.blake2b(f"{self.caller}\0{self.key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, signed=True)


class Stored(msgspec.Struct, frozen=True):
    """An answer as it went over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes
    replayed: bool = False


def request_hash(method: str, path: str, query: bytes, body: bytes) -> bytes:
    """Give the digest of what a request asks; a retry is the same request only if this is the same."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), query, body))).digest()


LOCK = of_arrays(
    "SELECT pg_try_advisory_xact_lock(k) FROM unnest(CAST(:locks AS bigint[])) WITH ORDINALITY u(k, n) ORDER BY n"
)
FIND = of_arrays(
    "SELECT caller, key, request_hash, status, headers, body FROM idempotency JOIN"
    " unnest(CAST(:callers AS text[]), CAST(:keys AS text[])) AS asked(caller, key) USING (caller, key)"
)
STORE = of_arrays(
    "INSERT INTO idempotency (caller, key, request_hash, status, headers, body)"
    " SELECT * FROM unnest(CAST(:callers AS text[]), CAST(:keys AS text[]), CAST(:hashes AS bytea[]),"
    " CAST(:statuses AS smallint[]), CAST(:headers AS bytea[]), CAST(:bodies AS bytea[]))"
)


async def begin(session: AsyncSession, keys: Sequence[Key | None]) -> list[Stored | Refusal | None]:
    """Say of each request whether it is answered already, must be refused, or is to be carried out (None).

    Shape: one entry per key given, in order; requests without a key are always to be carried out
    """
    known = [key for key in keys if key is not None]
    if not known:
        return [None] * len(keys)
    # The lock comes first and the question second: what a finished request stored is then always seen.
    locked = (await session.execute(LOCK, {"locks": array([key.lock for key in known])})).scalars().all()
    rows = await session.execute(
        FIND, {"callers": array([key.caller for key in known]), "keys": array([key.key for key in known])}
    )
    stored = {(row.caller, row.key): row for row in rows}
    free = dict(zip(known, locked, strict=True))
    seen: set[tuple[str, str]] = set()
    answers: list[Stored | Refusal | None] = []
    for key in keys:
        if key is None:
            answers.append(None)
            continue
        name = (key.caller, key.key)
        if row := stored.get(name):
            same = row.request_hash == key.request_hash
            answers.append(
                Stored(row.status, msgspec.json.decode(row.headers, type=dict[str, str]), row.body, replayed=True)
                if same
                else KeyReused("The key was used for another request; take a new key for a new request.")
            )
        elif name in seen or not free[key]:
            answers.append(StillRunning("Ask again in a moment; the answer will be the first one."))
        else:
            answers.append(None)
        seen.add(name)
    return answers


async def store(session: AsyncSession, answers: Sequence[tuple[Key, Stored]]) -> None:
    """Keep the answers of requests that were carried out, in the same transaction as their effects."""
    if not answers:
        return
    await session.execute(
        STORE,
        {
            "callers": array([key.caller for key, _ in answers]),
            "keys": array([key.key for key, _ in answers]),
            "hashes": [key.request_hash for key, _ in answers],
            "statuses": array([answer.status for _, answer in answers]),
            "headers": [msgspec.json.encode(answer.headers) for _, answer in answers],
            "bodies": [answer.body for _, answer in answers],
        },
    )
    reach("idempotency.after_insert")


ERASED_ANSWER = '{"erased":true}'
FORGET = text(
    "UPDATE idempotency SET body = convert_to(:answer, 'UTF8') WHERE body <> convert_to(:answer, 'UTF8')"
    " AND (caller = :person"
    " OR position(convert_to(:person, 'UTF8') IN body) > 0 OR position(convert_to(:person, 'UTF8') IN headers) > 0)"
)


SEALED = text(
    "SELECT caller, key, body FROM idempotency WHERE octet_length(body) > 0 AND get_byte(body, 0) = :form"
    " ORDER BY caller, key"
)
FORGET_ONE = text("UPDATE idempotency SET body = convert_to(:answer, 'UTF8') WHERE caller = :caller AND key = :key")


async def forget_answers(session: AsyncSession, ids: Sequence[str], vault: Vault) -> int:
    """Empty the answers that were given to a person or tell of them, and say how many; a retry is still no new order.

    Shape: `ids` are those of the person and their businesses, as they stand in the answers and in their addresses; what
           is kept sealed is opened and looked through
    """
    count = 0
    for row in (await session.execute(SEALED, {"form": FORM[0]})).all():
        with suppress(Unreadable):  # under a key that is gone: nobody reads it any more
            opened = vault.kept_answer(row.caller, row.key, bytes(row.body))
            if any(one.encode() in opened for one in ids):
                await session.execute(FORGET_ONE, {"answer": ERASED_ANSWER, "caller": row.caller, "key": row.key})
                count += 1
    for one in ids:
        done = await session.execute(FORGET, {"answer": ERASED_ANSWER, "person": one})
        count += cast("CursorResult[object]", done).rowcount
    return count
