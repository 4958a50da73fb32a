"""The oracle sees: each error that is planted by hand is found, and without one nothing is.

An error is planted in a transaction that the oracle reads in, and that is rolled back.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from shared.stream import connect
from tests.faults import oracle
from tests.faults.phones import Phones
from tests.faults.processes import Installation

CAUSED = (
    "SELECT max(message_id::text)::uuid FROM delivery JOIN message ON message.id = message_id"
    " WHERE split_part(fact, '/', 1) NOT IN ('reply', 'sign-in', 'broadcast', 'message')"
)
"""Finds a message that an event was the cause of; of the others the oracle knows nothing."""

ERRORS = {
    "an inbox message is deleted": (
        "notifications",
        (
            f"WITH gone AS (DELETE FROM delivery WHERE message_id = ({CAUSED})"  # noqa: S608  ours
            f" RETURNING message_id) DELETE FROM message WHERE id = ({CAUSED})"
        ),
        "1 times not told: ('",
    ),
    "a message is told twice": (
        "notifications",
        (
            "INSERT INTO message SELECT (jsonb_populate_record(message, jsonb_build_object('id', gen_random_uuid(),"
            " 'purpose', 'aid_again'))).* FROM message WHERE purpose = 'aid' LIMIT 1"
        ),
        "1 times told without cause: ('",
    ),
    "a position is raised by one": (
        "notifications",
        "UPDATE checkpoint SET last_seq = last_seq + 1 WHERE (source, partition) = ('aid_distribution', 0)",
        "notifications is at",
    ),
    "a position is lowered by one": (
        "registration",
        "UPDATE checkpoint SET last_seq = last_seq - 1 WHERE (source, partition) = ('aid_distribution', 0)",
        "registration is at",
    ),
    "an event is deleted from the outbox": (
        "aid_distribution",
        "DELETE FROM outbox WHERE partition = 1 AND seq = 2",
        "aid_distribution/1: the outbox holds",
    ),
    "the head of the outbox is raised": (
        "aid_distribution",
        "UPDATE outbox_head SET last_seq = last_seq + 1 WHERE partition = 1",
        "ev:aid_distribution:{1} ends at",
    ),
    "an event of the outbox becomes another one": (
        "aid_distribution",
        "UPDATE outbox SET id = gen_random_uuid() WHERE partition = 1 AND seq = 2",
        "ev:aid_distribution:{1} holds other events than the outbox",
    ),
    "a balance is raised by one": (
        "aid_distribution",
        "UPDATE card SET on_hand = on_hand + 1 WHERE (place, item) = ('WH-19.71', 'SOAP-5L')",
        "WH-19.71 SOAP-5L : the card says 121, the journal 120",
    ),
    "a day is forgotten": (
        "aid_distribution",
        "DELETE FROM card_day WHERE (place, item) = ('WH-19.71', 'SOAP-5L')",
        "WH-19.71 SOAP-5L : the sums of 2020-09-01 are not those of the journal",
    ),
    "a receipt number is used up for nothing": (
        "aid_distribution",
        "UPDATE document_series SET last = last + 1 WHERE (office, kind) = ('19.71', 'DO')",
        "numbers were given",
    ),
    "a chain is said to be longer": (
        "aid_distribution",
        "UPDATE chain_head SET last_seq = last_seq + 1 WHERE region = '19.71'",
        "19.71: the chain ends at",
    ),
    "an answer is stored for a hand-out that is not there": (
        "aid_distribution",
        (
            "UPDATE idempotency SET body = convert_to(jsonb_set(convert_from(body, 'UTF8')::jsonb, '{id}',"
            " to_jsonb(gen_random_uuid()))::text, 'UTF8') WHERE key = (SELECT min(key) FROM idempotency)"
        ),
        "which is not there",
    ),
    "a business is forgotten": (
        "notifications",
        "DELETE FROM contact_business WHERE business_id = '0174472d-8680-7001-8000-000000000001'",
        "notifications.contact_business: 1 lacking, 0 too many",
    ),
    "a business keeps an old name": (
        "aid_distribution",
        "UPDATE known_business SET name = 'before' WHERE id = '0174472d-8680-7001-8000-000000000001'",
        "aid_distribution keeps (",
    ),
    "a letter has failed and nobody says so": (
        "notifications",
        (
            # By mail, which nobody here has: there is no letter that could have been reported.
            "INSERT INTO delivery (id, message_id, person, region, channel, state, reason, lane, rest, attempts,"
            " errors, doubted, reply, due_at, expires_at, traceparent, created_at, changed_at)"
            " SELECT gen_random_uuid(), id, person, region, 'email', 'failed', 'refused', 1, '{}', 1, 1, false, '',"
            " now(), now(), '', now(), now() FROM message ORDER BY id LIMIT 1"
        ),
        "1 times not reported: delivery (",
    ),
    "support is forgotten": (
        "registration",
        "DELETE FROM support WHERE ctid = (SELECT min(ctid) FROM support)",
        "support forgotten: ",
    ),
    "an event is parked": (
        "registration",
        (
            "INSERT INTO parked (source, partition, seq, type, subject, actor, region, traceparent, data, reason,"
            " attempts, due_at, error, parked_at) SELECT 'aid_distribution', 0, 1, '', 'unreadable/1', '', '', '', '',"
            " 'poison', 1, now() + interval '1 hour', 'Unreadable', now()"
        ),
        "registration has parked",
    ),
}


@pytest_asyncio.fixture(scope="module")
async def at_rest(installation: Installation) -> AsyncIterator[oracle.Installation]:
    """The installation after a hand-out whose every effect has arrived."""
    phones = Phones(installation)
    await phones.hand_out(10)
    await phones.hang_up()
    await installation.is_at_rest()
    running = installation.running
    async with oracle.opened(running.database_url, running.redis_url) as found:
        yield found


@pytest.mark.parametrize("error", ERRORS)
async def test_an_error_planted_by_hand_is_found(at_rest: oracle.Installation, error: str) -> None:
    service, plant, told = ERRORS[error]
    transaction = at_rest.stores[service].transaction()
    await transaction.start()
    try:
        planted = await at_rest.stores[service].execute(plant)
        wrong = await oracle.violations(at_rest)
    finally:
        await transaction.rollback()

    assert planted.endswith(" 1"), f"{planted}: nothing was planted"
    assert any(told in one for one in wrong), wrong
    assert await oracle.violations(at_rest) == []


async def test_a_redis_that_has_lost_everything_is_found(
    at_rest: oracle.Installation, installation: Installation
) -> None:
    empty = connect(installation.running.redis_url.replace("db=0", "db=1"))
    wrong = await oracle.violations(replace(at_rest, redis=empty))
    await empty.aclose()

    assert any(one.startswith("ev:registration:{0} ends at 0-0, the outbox at ") for one in wrong), wrong
    assert any("left word of None in aid_distribution/0" in one for one in wrong)


def test_an_event_that_took_effect_twice_is_found_by_the_lines_of_the_log() -> None:
    line = {"event": "event", "outcome": "handled", "service": "notifications", "source": "registration",
            "partition": 0, "seq": 7}  # fmt: skip
    others = [line | {"seq": 8}, line | {"service": "aid_distribution"}, line | {"outcome": "ignored"}]
    assert oracle.handled_twice([line, *others]) == []
    assert oracle.handled_twice([line, *others, line | {"outcome": "handled late"}]) == [
        "('notifications', 'registration', 0, 7) took effect 2 times"
    ]
