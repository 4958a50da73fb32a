"""Errors planted by hand in an installation, each with what `verify` must say of it and which command it must name."""

# ruff: noqa: S608  the statements are ours
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.operations.conftest import BUSINESS, Installation

OFFICER = "staff/officer-19.71"
STOCK_IN = f"purpose = 'stock_in' AND person = '{OFFICER}'"
NTH_STOCK_IN = f"id = (SELECT id FROM message WHERE {STOCK_IN} ORDER BY id OFFSET {{}} LIMIT 1)"
WELCOME = "id = (SELECT id FROM message WHERE purpose = 'welcome' LIMIT 1)"
COPIED = """
    INSERT INTO message SELECT ('ffffffff' || substr(gen_random_uuid()::text, 9))::uuid, {person},
                               fact, purpose, urgency, region, language, title, body, why,
                               traceparent, created_at, read_at FROM message WHERE {which}
"""
PARKED = """
    INSERT INTO parked VALUES
        ('registration', 0, 1, NULL, '', 'unreadable/1', NULL, '', '', '', '', 'poison', 1, now(), 'planted', now())
"""
NTH_POSTING = "region = '19' AND chain_seq = {}"
HANDED_OUT = "posting_id = (SELECT posting_id FROM distribution ORDER BY number {} LIMIT 1)"
NOBODY = "00000000-0000-7000-8000-000000000000"
SUPPORT = f"""
    INSERT INTO support SELECT '{NOBODY}', business_id, number, programme, place, place_name, region, occurred_at,
                               lines, public_heads, businesses_count FROM support LIMIT 1
"""
ANOTHER = "0174472d-8680-7001-8000-000000000003"
ROUND = ("0174472d-8680-7001-8000-000000000004", "0174472d-8680-7001-8000-000000000005")
INTO = """
    UPDATE business SET state = 'merged', state_reason = 'x', state_since = '2020-09-14', merged_into = '{}'
    WHERE id = '{}'
"""
NTH_MERGE = "00000000-0000-7000-8000-00000000001{}"
MERGE = f"""
    INSERT INTO business_merge (id, case_id, survivor_id, merged_id, taken, image_sealed, reason, merged_at, merged_by,
                                undone_at, undone_by, undone_reason)
    VALUES ('{{}}', gen_random_uuid(), '{BUSINESS}', '{ANOTHER}', ARRAY[]::text[], '', 'x', '2020-09-14', 'x', {{}})
"""
CASE = f"""
    INSERT INTO duplicate_case (id, low_id, high_id, kind, score, points, rule, state, opened_at, decided_at,
                                decided_by, reason, version)
    VALUES ('{NOBODY}', '{ROUND[0]}', '{ROUND[1]}', 'certain', 90, '{{}}', 'x', 'merged', now(), now(), 'x', 'x', 1)
"""
LAST_ROW = """
    DELETE FROM outbox o USING outbox_head h
    WHERE (o.partition, o.seq) = (h.partition, h.last_seq) AND o.partition = 2
"""
AT = "UPDATE checkpoint SET last_seq = {} WHERE source = 'aid_distribution' AND partition = {}"


@dataclass(frozen=True, slots=True)
class Planted:
    """An error: how it is planted, and the check, the place and the cure that `verify` must name."""

    name: str
    check: str
    where: str
    cure: str
    sql: dict[str, tuple[str, ...]] = field(default_factory=dict)
    redis: Callable[[Installation], Awaitable[None]] | None = None

    async def plant(self, there: Installation) -> None:
        for service, statements in self.sql.items():
            await there.sql(service, *statements)
        if self.redis:
            await self.redis(there)


def stream(source: str, partition: int) -> str:
    return f"ev:{source}:{{{partition}}}"


async def remove_entry(there: Installation) -> None:
    assert await there.redis.xdel(stream("registration", 0), "2-0") == 1


async def alter_entry(there: Installation) -> None:
    name = stream("registration", 1)
    entries = await there.redis.xrange(name)
    await there.redis.delete(name)
    for entry_id, fields in entries:
        altered = {**fields, b"region": b"19.99"} if entry_id == b"2-0" else fields
        await there.redis.xadd(name, altered, entry_id)


async def delete_stream(there: Installation) -> None:
    assert await there.redis.delete(stream("registration", 2)) == 1


async def add_entry(there: Installation) -> None:
    ((last, fields),) = await there.redis.xrevrange(stream("registration", 3), count=1)
    await there.redis.xadd(stream("registration", 3), fields, f"{int(last.partition(b'-')[0]) + 1}-0")


async def remove_last_entry(there: Installation) -> None:
    ((last, _),) = await there.redis.xrevrange(stream("registration", 1), count=1)
    assert await there.redis.xdel(stream("registration", 1), last) == 1


async def word_ahead(there: Installation) -> None:
    await there.redis.hincrby("pos:aid_distribution:{2}", "notifications", 1)


# fmt: off
EFFECTS = (
    Planted("a message deleted", "effect_is_there_once", "in notifications: message stock_in: 1 of", "events replay",
            {"notifications": (f"DELETE FROM message WHERE {NTH_STOCK_IN.format(0)}",)}),
    Planted("a message doubled", "effect_is_there_once", "in notifications: message stock_in: 1 were told twice",
            "DELETE FROM message", {"notifications": (
                "ALTER TABLE message DROP CONSTRAINT message_once",
                COPIED.format(person="person", which=NTH_STOCK_IN.format(0)))}),
    Planted("a message to somebody whom it does not concern", "effect_is_there_once", "such as staff/stranger",
            "SELECT * FROM message", {"notifications": (
                COPIED.format(person="'staff/stranger'", which=NTH_STOCK_IN.format(1)),)}),
    Planted("a message about nothing", "effect_has_event", f"message in notifications: {{}}: posting/{NOBODY}",
            "look at it", {"notifications": (
                f"UPDATE message SET fact = 'posting/{NOBODY}' WHERE {WELCOME}",)}),
    Planted("a letter that was never queued", "effect_is_there_once", "not on their way by mail", "DELETE FROM message",
            {"notifications": ("DELETE FROM delivery",)}),
    Planted("a contact changed", "effect_is_there_once", "contact: the row differs in phone", "events replay",
            {"notifications": (
                "UPDATE contact SET phone = '+62' WHERE owner_id::text = (SELECT min(owner_id::text) FROM contact)",)}),
    Planted("a contact deleted", "effect_is_there_once", "contact: there is no such row", "events replay",
            {"notifications": (
                "DELETE FROM contact WHERE owner_id::text = (SELECT max(owner_id::text) FROM contact)",)}),
    Planted("a contact without an event", "effect_has_event", f"contact in notifications: {{}}: owner/{NOBODY}",
            "look at it", {"notifications": (
                f"INSERT INTO contact VALUES ('{NOBODY}', 'A', NULL, NULL, 'id', '19.01', now())",)}),
    Planted("a business that trades no more", "effect_is_there_once", "business: the row differs in trading",
            "events replay", {"notifications": (
                f"UPDATE contact_business SET trading = false WHERE business_id = '{BUSINESS}'",)}),
    Planted("a known business changed", "effect_is_there_once", "known business: the row differs in state",
            "events replay", {"aid_distribution": (
                f"UPDATE known_business SET state = 'closed' WHERE id = '{BUSINESS}'",)}),
    Planted("a declared need changed", "effect_is_there_once", "declared need: the row differs in need",
            "events replay", {"aid_distribution": (
                "UPDATE declared_need SET need = CASE need WHEN 'low' THEN 'high' ELSE 'low' END",)}),
    Planted("a declared need without an event", "effect_has_event", f"survey_participant/{NOBODY}", "look at it",
            {"aid_distribution": (
                f"INSERT INTO declared_need VALUES ('{NOBODY}', '{NOBODY}', '{NOBODY}', '{NOBODY}', now(), 'low')",)}),
    Planted("a restriction without an event", "effect_has_event", f"owner/{NOBODY}", "look at it",
            {"aid_distribution": (f"INSERT INTO restricted_person VALUES ('{NOBODY}', now())",)}),
    Planted("support forgotten", "effect_is_there_once", "support: 1 of 1 businesses do not have it", "events replay",
            {"registration": ("DELETE FROM support WHERE voided_at IS NULL",)}),
    Planted("support not taken back", "effect_is_there_once", "support: it is not marked as taken back",
            "events replay", {"registration": ("UPDATE support SET voided_at = NULL, void_reason = NULL",)}),
    Planted("support without an event", "effect_has_event", f"distribution/{NOBODY}", "look at it",
            {"registration": (SUPPORT,)}),
    Planted("a balance changed", "card_is_sum_of_lines", "WH-19.01 MASK-CLOTH", "serumpun stock rebuild",
            {"aid_distribution": (
                "UPDATE card SET on_hand = on_hand + 1 WHERE place = 'WH-19.01' AND item = 'MASK-CLOTH'",)}),
    Planted("a day of handing out changed", "handed_out_is_sum_of_distributions", "MASK-CLOTH",
            "serumpun stock rebuild", {"aid_distribution": ("UPDATE handed_out_day SET quantity = quantity + 1",)}),
)
JOURNAL = (
    Planted("a line deleted", "records_hold_events", "the journal has no line of it", "serumpun events show",
            {"aid_distribution": (f"DELETE FROM posting_line WHERE {HANDED_OUT.format('ASC')}",)}),
    Planted("a line changed", "records_hold_events", "the event says 100, the journal 1", "serumpun events show",
            {"aid_distribution": (f"UPDATE posting_line SET quantity = 1 WHERE {HANDED_OUT.format('DESC')}",)}),
)
CHAIN = (
    Planted("who posted", "chain_is_unbroken", "19.71 number 1 (", "the journal was changed by hand",
            {"aid_distribution": ("UPDATE posting SET actor = 'x' WHERE region = '19.71' AND chain_seq = 1",)}),
    Planted("a posting taken out", "chain_is_unbroken", "19 before ", "the journal was changed by hand",
            {"aid_distribution": (f"DELETE FROM posting WHERE {NTH_POSTING.format(2)}",)}),
    Planted("the end cut off", "signed_head_is_on_chain", "19.05 number {} signed", "the journal was made anew",
            {"aid_distribution": ("DELETE FROM posting WHERE region = '19.05'",
                                  "DELETE FROM chain_head WHERE region = '19.05'")}),
    Planted("a head that is ahead", "head_is_last_posting", "19.06 in aid_distribution", "find them in a backup",
            {"aid_distribution": ("UPDATE chain_head SET last_seq = last_seq + 1 WHERE region = '19.06'",)}),
    Planted("a signature", "signed_head_is_signed", "19.04 number", "it was not signed here",
            {"aid_distribution": ("UPDATE signed_head SET key_id = 'x' WHERE region = '19.04'",)}),
)
MERGES = (
    Planted("a business that was merged by hand", "merged_business_has_its_merge", f"{BUSINESS} in registration",
            "the merges and the history", {"registration": (
                INTO.format(ANOTHER, BUSINESS),)}),
    Planted("businesses merged into one another", "merged_businesses_end_in_one", f"{ROUND[0]} in registration",
            "the merges and the history", {"registration": (
                INTO.format(ROUND[1], ROUND[0]), INTO.format(ROUND[0], ROUND[1]))}),
    Planted("a merge of a business that goes on", "merge_has_its_merged_business", f"{ANOTHER} in registration: ",
            "the merges and the history", {"registration": (MERGE.format(NTH_MERGE.format(1), "NULL, NULL, NULL"),)}),
    Planted("a merge of another case", "merge_is_of_its_case", f"{NTH_MERGE.format(2)} in registration",
            "the merges and the history", {"registration": (
                MERGE.format(NTH_MERGE.format(2), "'2020-09-15', 'x', 'x'"),)}),
    Planted("a merge undone before it was", "merge_is_undone_afterwards", f"{NTH_MERGE.format(3)} in registration",
            "the merges and the history", {"registration": (
                MERGE.format(NTH_MERGE.format(3), "'2020-09-13', 'x', 'x'"),)}),
    Planted("a case that says merged", "case_says_whether_a_merge_stands", f"{NOBODY} in registration",
            "the merges and the history", {"registration": (CASE,)}),
)
NUMBERS = (
    Planted("an outbox row removed", "outbox_is_dense", "aid_distribution/0: events 2 to 2", "events mend aid",
            {"aid_distribution": ("DELETE FROM outbox WHERE partition = 0 AND seq = 2",)}),
    Planted("the first outbox row removed", "stream_is_outbox", "aid_distribution/1: entry 1-0 has no event",
            "events refill", {"aid_distribution": ("DELETE FROM outbox WHERE partition = 1 AND seq = 1",)}),
    Planted("the last outbox row removed", "outbox_is_dense", "aid_distribution/2: events", "events mend aid",
            {"aid_distribution": (LAST_ROW,)}),
    Planted("a head that is behind", "head_is_last_number", "aid_distribution/3: the head", "events mend aid",
            {"aid_distribution": ("UPDATE outbox_head SET last_seq = last_seq - 1 WHERE partition = 3",)}),
    Planted("a stream entry removed", "stream_is_outbox", "registration/0: entries 2 to 2 are missing", "events refill",
            redis=remove_entry),
    Planted("a stream entry altered", "stream_is_outbox", "registration/1: entry 2-0 is not", "events refill",
            redis=alter_entry),
    Planted("a stream deleted", "stream_ends_at_head", "registration/2: the stream ends at 0", "serve registration",
            redis=delete_stream),
    Planted("a stream that is ahead", "stream_ends_at_head", "registration/3: the stream ends at", "events mend reg",
            redis=add_entry),
)
POSITIONS = (
    Planted("a position moved ahead", "position_within_head", "notifications in aid_distribution/0", "--to head",
            {"notifications": (AT.format("last_seq + 1", 0),)}),
    Planted("a position moved back", "position_is_head", "notifications in aid_distribution/1", "serve notifications",
            {"notifications": (AT.format("last_seq - 1", 1),)}),
    Planted("a word that is ahead", "word_is_position", "notifications in aid_distribution/2", "events refill",
            redis=word_ahead),
    Planted("history that is gone", "history_is_kept", "notifications in aid_distribution/3", "--to oldest",
            {"notifications": (AT.format(1, 3),),
             "aid_distribution": ("DELETE FROM outbox WHERE partition = 3 AND seq < 3",)}),
    Planted("an event parked", "nothing_is_parked", "registration/0/1 (unreadable/1)", "serumpun parked show",
            {"notifications": (PARKED,)}),
    Planted("the last stream entry removed", "stream_is_outbox", "registration/1: entries", "events refill",
            redis=remove_last_entry),
)
# fmt: on
CURABLE = (
    *(one for one in EFFECTS if "replay" in one.cure or "rebuild" in one.cure),
    *(one for one in NUMBERS if one.name not in ("the first outbox row removed", "a stream that is ahead")),
)
