"""The operator's commands: what each answers, what it changes, and how it ends when it cannot."""

import re
from pathlib import Path

import msgspec
import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from services.cli import app
from services.operations.events import masked
from tests.operations.conftest import Answered, Installation, invoke
from tests.operations.planted import AT, NOBODY
from tests.processes import ROOT
from tests.waiting import wait_until

ABOUT = (ROOT / "docs" / "operating.md").read_text()
AID_0 = "ev:aid_distribution:{0}"


def commands(group: TyperGroup, before: str = "") -> dict[str, TyperCommand]:
    found: dict[str, TyperCommand] = {}
    for name, command in group.commands.items():
        whole = f"{before}{name}"
        found |= commands(command, f"{whole} ") if isinstance(command, TyperGroup) else {whole: command}
    return found


WHOLE = get_command(app)
assert isinstance(WHOLE, TyperGroup)
COMMANDS = commands(WHOLE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_answers_in_json_and_is_in_the_operators_page(name: str) -> None:
    answered = invoke({}, *name.split(), "--help")
    assert answered.code == 0
    assert "--json" in answered.output
    assert COMMANDS[name].help
    assert f"`serumpun {name}" in ABOUT


def test_the_page_names_no_command_or_option_that_does_not_exist() -> None:
    options = {option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts}
    named = {" ".join(words.split()) for words in re.findall(r"`serumpun ([a-z][a-z -]*[a-z])", ABOUT)}
    assert len(named) > 15
    assert not [
        words for words in named if not any(words.startswith(name) or name.startswith(words) for name in COMMANDS)
    ]
    known = options | {"--no-follow", "--install-completion", "--show-completion", "--help"}
    assert not set(re.findall(r"--[a-z][a-z-]+", ABOUT)) - known


def test_the_page_has_the_table_of_exit_codes() -> None:
    assert [code for code in range(4) if not re.search(rf"^\| {code} \|", ABOUT, re.MULTILINE)] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("events", "show"),
        ("events", "replay", "--reason", "x", "--consumer", "notifications"),
        ("events", "replay", "registration/0/1", "--consumer", "notifications"),
        ("events", "position", "notifications", "weather/0", "--to", "head", "--reason", "x"),
        ("events", "tail", "--since", "yesterday"),
        ("events", "tail", "--source", "weather"),
        ("parked", "replay"),
        ("parked", "drop", "registration/0/1"),
        ("verify", "--wait", "-1"),
    ],
    ids=" ".join,
)
def test_a_command_that_is_used_wrongly_ends_with_2(arguments: tuple[str, ...]) -> None:
    answered = invoke({"SERUMPUN_HOME": "/nowhere"}, *arguments)
    assert (answered.code, answered.output) == (2, "")
    assert "Usage:" in answered.error


@pytest.mark.parametrize(
    "arguments",
    [("verify",), ("events", "consumers"), ("events", "tail"), ("parked", "list"), ("events", "acts"), ("doctor",)],
    ids=" ".join,
)
def test_nothing_that_runs_is_one_line_with_the_cure_and_ends_with_3(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ours = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "SMTP_URL"), "")
    answered = invoke({**ours, "SERUMPUN_HOME": str(tmp_path)}, *arguments)
    assert answered.code == 3
    assert "serumpun servers" in answered.error + answered.output
    assert answered.error.count("\n") == (0 if arguments == ("doctor",) else 1)
    assert not list(tmp_path.iterdir())


async def test_a_server_that_is_away_is_named_without_its_password_and_ends_with_3(unbroken: Installation) -> None:
    unbroken.environment["NOTIFICATIONS_DATABASE_URL"] = "postgresql://me:hush@127.0.0.1:1/x"
    without_store = await unbroken.command("verify")
    assert (without_store.code, "notifications" in without_store.line, "hush" in without_store.error) == (
        3,
        True,
        False,
    )
    unbroken.environment["REDIS_URL"] = "redis://:hush@127.0.0.1:1/0"
    unbroken.environment["NOTIFICATIONS_DATABASE_URL"] = unbroken.urls["notifications"]
    without_redis = await unbroken.command("verify")
    assert (without_redis.code, "Redis" in without_redis.line, "hush" in without_redis.error) == (3, True, False)


async def test_an_event_is_shown_by_its_number_and_by_its_id_with_people_masked(unbroken: Installation) -> None:
    (row,) = await unbroken.rows(
        "registration", "SELECT * FROM outbox WHERE type LIKE '%owner.registered%' ORDER BY partition, seq LIMIT 1"
    )
    at = f"registration/{row['partition']}/{row['seq']}"
    by_number = (await unbroken.command("events", "show", at, "--json")).read(dict[str, object])
    assert by_number == (await unbroken.command("events", "show", str(row["id"]), "--json")).read(dict[str, object])
    told = msgspec.msgpack.decode(row["data"])
    shown = msgspec.convert(by_number["data"], dict[str, str | None])
    assert shown["owner_id"] == told["owner_id"]
    assert told["phone"] not in str(shown)
    assert told["email"] not in str(shown)
    assert told["name"] not in str(shown)
    for_people = (await unbroken.command("events", "show", at)).output
    assert at in for_people
    assert told["phone"] not in for_people
    absent = await unbroken.command("events", "show", "registration/0/99999")
    assert (absent.code, "was never recorded" in absent.line) == (1, True)


def test_what_points_at_a_person_is_masked_wherever_it_stands() -> None:
    told = {"nik": "1971010101010001", "lines": [{"name": "Beras", "phone": "+628127000102"}], "email": "a@b.example"}
    assert masked("serumpun.x.y.v1", told) == {
        "nik": "1***",
        "lines": [{"name": "Beras", "phone": "+62*******102"}],
        "email": "***@b.example",
    }


async def test_tail_tells_each_event_once_in_the_order_of_time_and_only_what_is_wanted(unbroken: Installation) -> None:
    every = (await unbroken.command("events", "tail", "--since", "1h", "--no-follow", "--json")).output.splitlines()
    views = [msgspec.json.decode(line, type=dict[str, object]) for line in every]
    outbox = 0
    for service in unbroken.urls:
        outbox += (await unbroken.rows(service, "SELECT count(*) FROM outbox"))[0][0]
    assert len(views) == len({str(view["at"]) for view in views}) == outbox
    times = [str(view["time"]) for view in views]
    assert times == sorted(times)
    wanted = await unbroken.command(
        "events", "tail", "--since", "1h", "--no-follow", "--source", "aid_distribution", "--type", "*.voided.v1"
    )
    (line,) = wanted.output.splitlines()
    assert "serumpun.distribution.voided.v1 distribution/" in line
    assert (await unbroken.command("events", "tail", "--no-follow")).output == ""


async def test_replay_says_what_it_would_do_and_changes_nothing_before_it_is_meant(unbroken: Installation) -> None:
    replay = ("events", "replay", "registration/0/1", "--consumer", "notifications", "--reason", "mended")
    dry = await unbroken.command(*replay, "--dry-run")
    assert dry.code == 0
    assert "registration/0/1" in dry.output
    unmeant = await unbroken.command(*replay)
    assert (unmeant.code, "--yes" in unmeant.error) == (2, True)
    assert await unbroken.rows("notifications", "SELECT 1 FROM parked") == []
    assert (await unbroken.command("events", "acts", "--json")).read(list[object]) == []


async def test_all_history_handed_again_to_everybody_doubles_nothing(there: Installation) -> None:
    before = await everything(there)
    for consumer, source in (
        ("notifications", "registration"),
        ("notifications", "aid_distribution"),
        ("aid_distribution", "registration"),
        ("registration", "aid_distribution"),
    ):
        answered = await there.command(
            "events", "replay", "--consumer", consumer, "--source", source, "--reason", "all again", "--yes", "--json"
        )
        assert answered.code == 0, answered
        done = answered.read(dict[str, object])
        assert done["handed"] == len(msgspec.convert(done["events"], list[str])) > 0
    assert len(await there.faults()) > 20
    await there.becomes_whole()
    assert await everything(there) == before
    acts = (await there.command("events", "acts", "--json")).read(list[dict[str, object]])
    assert {(act["act"], act["reason"]) for act in acts} == {("replay", "all again")}


async def everything(there: Installation) -> dict[str, list[tuple[object, ...]]]:
    """Give all that events have brought about, but for when it was changed."""
    questions = {
        "notifications": (
            "SELECT id, person, fact, purpose, body FROM message ORDER BY 1",
            "SELECT id, message_id, state FROM delivery ORDER BY 1",
            "SELECT owner_id, name, phone, email, region FROM contact ORDER BY 1",
            "SELECT business_id, owner_id, name, trading FROM contact_business ORDER BY 1",
        ),
        "registration": ("SELECT * FROM support ORDER BY 1, 2",),
        "aid_distribution": ("SELECT * FROM known_business ORDER BY 1", "SELECT * FROM outbox ORDER BY 1, 2"),
    }
    return {
        question: [tuple(row) for row in await there.rows(service, question)]
        for service, asked in questions.items()
        for question in asked
    }


async def test_what_a_consumer_does_nothing_about_is_not_handed_to_it(unbroken: Installation) -> None:
    (row,) = await unbroken.rows(
        "aid_distribution", "SELECT partition, seq FROM outbox WHERE type LIKE '%received%' LIMIT 1"
    )
    at = f"aid_distribution/{row['partition']}/{row['seq']}"
    for consumer, why in (("registration", "does nothing about"), ("aid_distribution", "does not listen")):
        answered = await unbroken.command("events", "replay", at, "--consumer", consumer, "--reason", "x", "--yes")
        assert (answered.code, why in answered.line) == (1, True)


async def parked_owner(there: Installation) -> str:
    """Park an event for the sake of these tests; gives its number."""
    (row,) = await there.rows(
        "registration", "SELECT partition, seq FROM outbox WHERE type LIKE '%owner.registered%' ORDER BY 1, 2 LIMIT 1"
    )
    at = f"registration/{row['partition']}/{row['seq']}"
    again = await there.command("events", "replay", at, "--consumer", "notifications", "--reason", "x", "--yes")
    assert again.code == 0
    await there.sql(
        "notifications",
        "UPDATE parked SET reason = 'poison', attempts = 3, error = 'KeyError', due_at = now() + interval '1 hour'",
    )
    return at


async def test_parked_events_are_listed_shown_and_tried_again(there: Installation) -> None:
    at = await parked_owner(there)
    listed = (await there.command("parked", "list", "--json")).read(dict[str, object])
    assert msgspec.convert(listed["counts"], dict[str, dict[str, int]])["notifications"]["poison"] == 1
    (one,) = msgspec.convert(listed["parked"], list[dict[str, object]])
    assert (one["at"], one["service"], one["error"]) == (at, "notifications", "KeyError")
    shown = await there.command("parked", "show", at)
    assert "KeyError" in shown.output
    assert "raw_hex" not in shown.output
    assert "raw_hex" in (await there.command("parked", "show", at, "--bytes")).output
    tried = await there.command("parked", "replay", at)
    assert (tried.code, "1 due now" in tried.output) == (0, True)
    await there.becomes_whole()
    assert "0 parked" in (await there.command("parked", "list")).output
    gone = await there.command("parked", "show", at)
    assert (gone.code, "is not parked" in gone.line) == (1, True)


async def test_a_dropped_event_needs_a_reason_and_stays_on_record(there: Installation) -> None:
    at = await parked_owner(there)
    unmeant = await there.command("parked", "drop", at, "--reason", "nobody needs it")
    assert (unmeant.code, "--yes" in unmeant.error) == (2, True)
    dry = await there.command("parked", "drop", at, "--reason", "nobody needs it", "--dry-run")
    assert "never takes effect" in dry.output
    assert len(await there.rows("notifications", "SELECT 1 FROM parked")) == 1
    dropped = await there.command("parked", "drop", at, "--reason", "nobody needs it", "--by", "ani", "--yes")
    assert dropped.code == 0
    assert await there.rows("notifications", "SELECT 1 FROM parked") == []
    acts = (await there.command("events", "acts")).output
    assert re.search(rf"notifications drop {at} owner/\S+ by ani: nobody needs it", acts)
    assert await there.faults() == []


async def test_a_consumer_whose_history_is_gone_goes_on_where_an_operator_says(there: Installation) -> None:
    await there.sql("notifications", AT.format(1, 0))
    await there.sql("aid_distribution", "DELETE FROM outbox WHERE partition = 0 AND seq < 4")
    ((_, _, cure),) = [fault for fault in await there.faults() if fault[0] == "history_is_kept"]
    assert cure == "serumpun events position notifications aid_distribution/0 --to oldest"
    position = (*cure.split()[1:], "--reason", "the backup is too old")
    dry = await there.command(*position, "--dry-run")
    assert "from 1 to 3; 2 events never take effect there" in dry.output
    assert (await there.command(*position)).code == 2
    assert (await there.command(*position, "--yes")).code == 0
    (row,) = await there.rows(
        "notifications", "SELECT last_seq FROM checkpoint WHERE source = 'aid_distribution' AND partition = 0"
    )
    assert row["last_seq"] == 3
    await there.redis.delete(AID_0)
    async with there.running():
        await wait_until(lambda: _at_head(there), description="the consumer to go on")
    assert "history_is_kept" not in {check for check, _, _ in await there.faults()}


async def _at_head(there: Installation) -> bool:
    lanes = (await there.command("events", "consumers", "--json")).read(list[dict[str, object]])
    return all(lane["position"] == lane["head"] for lane in lanes)


@pytest.mark.parametrize(
    ("to", "why"), [("1", "events replay"), ("999999", "above the head"), ("soon", "neither a number")]
)
async def test_a_position_is_not_set_where_that_would_double_or_skip_in_silence(
    unbroken: Installation, to: str, why: str
) -> None:
    answered = await unbroken.command(
        "events", "position", "notifications", "aid_distribution/0", "--to", to, "--reason", "x", "--yes"
    )
    assert (answered.code, why in answered.line) == (1, True)


async def test_a_stream_that_the_fence_refuses_is_filled_again_from_the_outbox(there: Installation) -> None:
    await there.redis.xadd(AID_0, {"id": NOBODY}, "9000000-0")
    mend = await there.command("events", "mend", "aid_distribution", "--reason", "x", "--yes")
    assert (mend.code, "serumpun events refill aid_distribution --partition 0" in mend.line) == (1, True)
    refill = ("events", "refill", "aid_distribution", "--partition", "0", "--reason", "a stranger filled it")
    plan = (await there.command(*refill, "--dry-run", "--json")).read(dict[str, int | str])
    assert (plan["last"], await there.redis.xlen(AID_0)) == (9_000_000, plan["entries"])
    assert (await there.command(*refill)).code == 2
    assert (await there.command(*refill, "--yes")).code == 0
    assert await there.redis.exists(AID_0) == 0
    await there.becomes_whole()


async def test_a_stream_is_not_filled_again_while_a_consumer_would_skip_what_comes(there: Installation) -> None:
    await there.sql("notifications", AT.format("last_seq + 5", 0))
    answered = await there.command("events", "refill", "aid_distribution", "--partition", "0", "--reason", "x", "--yes")
    assert (answered.code, "--to head" in answered.line) == (1, True)
    cured = await there.command(
        "events", "position", "notifications", "aid_distribution/0", "--to", "head", "--reason", "x", "--yes"
    )
    assert cured.code == 0, cured
    assert await there.faults() == []


async def test_a_retired_consumer_is_not_waited_for_until_it_is_registered_again(there: Installation) -> None:
    retire = await there.command("events", "unregister", "notifications", "--reason", "it is gone", "--yes")
    assert retire.code == 0, retire
    assert await there.redis.hkeys("pos:aid_distribution:{0}") == [b"registration"]
    states = await _states(there)
    assert states == {"retired"}
    assert await there.faults() == []
    assert (await there.command("events", "register", "notifications", "--reason", "back", "--yes")).code == 0
    assert await _states(there) == {"silent"}
    wrong = await there.command(
        "events", "unregister", "aid_distribution", "--source", "notifications", "--reason", "x", "--yes"
    )
    assert (wrong.code, "does not listen" in wrong.line) == (1, True)


async def _states(there: Installation) -> set[object]:
    lanes = (await there.command("events", "consumers", "--json")).read(list[dict[str, object]])
    return {lane["state"] for lane in lanes if lane["consumer"] == "notifications" and lane["head"]}


async def test_a_rebuild_is_refused_while_the_journal_itself_was_changed(there: Installation) -> None:
    await there.sql("aid_distribution", "UPDATE posting_line SET quantity = 1 WHERE quantity = 100")
    answered = await there.command("stock", "rebuild", "--reason", "x", "--yes")
    assert (answered.code, "the journal itself was changed" in answered.line) == (1, True)


def test_completion_names_services() -> None:
    words = {"COMP_WORDS": "serumpun serve ", "COMP_CWORD": "2", "_SERUMPUN_COMPLETE": "complete_bash"}
    answered: Answered = invoke(words, "serve")
    assert "aid_distribution" in answered.output.splitlines()


async def test_completion_names_what_is_parked(there: Installation) -> None:
    at = await parked_owner(there)
    words = {"COMP_WORDS": "serumpun parked show reg", "COMP_CWORD": "3", "_SERUMPUN_COMPLETE": "complete_bash"}
    there.environment |= words
    assert at in (await there.command("parked")).output.splitlines()
