"""The keys for personal data: a new one, everything brought under it, and the earlier ones let go."""

from uuid import UUID

import msgspec
from sqlalchemy.exc import IntegrityError

from services.operations.findings import Steps
from services.operations.installation import Installation
from services.operations.refusals import NotPossible
from services.registration.people import rotation
from services.registration.people.store import PersonActRow
from shared.keys import KeyStore, PersonalKeys
from shared.operator_acts import Operator
from shared.privacy import Vault

REGISTRATION = "registration"


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """How much stood, or stands, under an earlier key: keys of persons, and indexes by column."""

    keys: int
    indexes: dict[str, int]
    done: bool


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """How many keys for personal data are read now; the first of the list is in use."""

    read: int
    done: bool


def _keys(there: Installation) -> tuple[PersonalKeys, Vault]:
    keys = KeyStore(there.settings.home)
    return keys.personal, Vault(keys.master, keys.personal)


def renew(there: Installation, *, really: bool) -> Keys:
    """Make a new key for personal data, which is in use at once; the earlier ones are still read."""
    personal, _ = _keys(there)
    if really:
        personal.renew()
    return Keys(read=len(personal()) + (not really), done=really)


async def rotate(
    there: Installation, steps: Steps, operator: Operator | None, batches_max: int | None = None
) -> Rotated:
    """Bring everything under the key in use, a batch in a transaction; without an operator it is only counted.

    Shape:  `batches_max` breaks off after so many batches of keys, as a stop does
    Raises: NotPossible when two people turn out to have the same number
    """
    _, vault = _keys(there)
    async with there.reading(REGISTRATION) as session:
        left = await rotation.left(session, vault)
    wrapped = left if operator is None else await _rewrap(there, vault, steps, left, batches_max)
    indexes = {}
    for column in rotation.INDEXED:
        changed, after = 0, UUID(int=0)
        async with there.reading(REGISTRATION) as session:
            advance = steps.begin(f"{column.table}.{column.index}", await rotation.rows_of(session, column))
        while after is not None:
            async with there.writing(REGISTRATION) as session:
                try:
                    last, batch = await rotation.reindex(session, vault, column, after, really=operator is not None)
                except IntegrityError as error:
                    raise NotPossible(f"{column.name}: a number stands twice, with two people: {error.orig}") from error
            changed += batch.changed
            advance(batch.looked)
            if last is None:
                break
            after = last
        indexes[f"{column.table}.{column.index}"] = changed
    if operator is not None:
        async with there.writing(REGISTRATION) as session:
            counts = {"person_key": wrapped, **indexes}
            session.add(
                PersonActRow(
                    id=operator.new_id(),
                    at=operator.now,
                    actor=operator.name,
                    act="rotate",
                    reason=operator.reason,
                    counts=counts,
                )
            )
    return Rotated(keys=wrapped, indexes=indexes, done=operator is not None)


async def _rewrap(there: Installation, vault: Vault, steps: Steps, left: int, batches_max: int | None) -> int:
    advance, wrapped, batches = steps.begin("keys of persons", left), 0, 0
    while batches_max is None or batches < batches_max:
        async with there.writing(REGISTRATION) as session:
            rows = await rotation.rewrap(session, vault)
        if not rows:
            break
        wrapped, batches = wrapped + rows, batches + 1
        advance(rows)
    return wrapped


async def retire(there: Installation, steps: Steps, *, really: bool) -> Keys:
    """Let the earlier keys go: what stands under them, in a backup too, is not to be read here any more.

    Raises: NotPossible while anything stands under one of them
    """
    personal, _ = _keys(there)
    open_ = await rotate(there, steps, None)
    if left := open_.keys + sum(open_.indexes.values()):
        raise NotPossible(f"{left} rows stand under an earlier key: serumpun keys rotate")
    in_use = personal()[:1]
    if really:
        personal.write(in_use)
    return Keys(read=len(in_use), done=really)
