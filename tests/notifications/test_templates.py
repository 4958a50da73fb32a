"""What is told of which event can be read as a page, listed, and tried with an event before anybody is told."""

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from services.cli import app
from services.notifications.messages import overview
from services.notifications.messages.domain import BODY_LENGTH_MAX
from services.notifications.messages.rules import RULES
from tests.notifications.story import OFFICE, OWNER, TAILOR, Door, posted

DOCS = Path(__file__).parents[2] / "docs" / "messages.md"
PREVIEW = "/notifications/templates/aid/preview"


def test_the_page_says_what_the_table_says() -> None:
    assert DOCS.read_text() == overview.page(), "python -m services.notifications.messages.overview > docs/messages.md"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.purpose)
def test_every_message_can_be_tried_at_its_longest(rule: overview.Rule) -> None:
    shown = overview.previews(rule, {})
    assert [one.language for one in shown] == ["id", "en"]
    assert all(0 < len(one.message.body) <= BODY_LENGTH_MAX for one in shown)


async def test_the_templates_are_listed_with_class_and_channels(door: Door) -> None:
    items = {one["purpose"]: one for one in (await door(OFFICE).get("/notifications/templates")).json()["items"]}
    assert items.keys() == {rule.purpose for rule in RULES}
    aid = items["aid"]
    assert (aid["event"], aid["urgency"]) == ("serumpun.distribution.posted.v1", "required")
    assert aid["channels"] == ["inbox", "whatsapp", "sms", "email"]
    assert "{business}" in aid["texts"][0]["body"]
    assert items["stock_in"]["channels"] == ["inbox"]


async def test_a_preview_is_the_message_of_a_real_event_in_both_languages(door: Door) -> None:
    answer = await door(OFFICE).post(PREVIEW, json={"event": msgspec.to_builtins(posted(TAILOR))})
    assert answer.status_code == 200, answer.text
    indonesian, english = answer.json()["texts"]
    assert indonesian["body"].startswith("Usaha Contoh tercatat menerima bantuan masker gratis. Isi penyaluran: 500")
    assert english["title"] == "Aid for your business"


async def test_a_preview_tells_what_is_wrong_and_by_whom_it_may_not_be_asked(door: Door) -> None:
    wrong = await door(OFFICE).post(PREVIEW, json={"event": {"nothing": 1}})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/event/nothing")
    shape = await door(OFFICE).post(PREVIEW, json={"event": {"lines": [{"item": 7}]}})
    assert (shape.status_code, shape.json()["errors"][0]["pointer"]) == (422, "/event/lines/0/item")
    assert (await door(OFFICE).post(PREVIEW.replace("aid", "nothing"), json={})).status_code == 404
    assert (await door(OWNER).post(PREVIEW, json={})).status_code == 403


def test_the_command_shows_the_same_and_refuses_what_is_told_of_nothing(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_bytes(msgspec.json.encode(posted(TAILOR)))
    told = CliRunner().invoke(app, ["messages", "preview", "aid", "--event", str(event), "--json"])
    assert told.exit_code == 0, told.output
    (texts,) = [msgspec.json.decode(told.output)["texts"]]
    assert texts[0]["message"]["title"] == "Bantuan untuk usaha Anda"
    assert "[en] Aid for your business" in CliRunner().invoke(app, ["messages", "preview", "aid"]).output
    assert CliRunner().invoke(app, ["messages", "preview", "nothing"]).exit_code == 2
