"""The HTTP face of the texts: what is told of which event, and how it reads in both languages."""

from typing import Annotated, Any

import msgspec

from services.notifications.messages import overview
from services.notifications.messages.rules import RULES, Rule
from services.notifications.messages.texts import TEXTS
from shared.problems import Absent
from shared.roles import Action
from shared.routes import Call, Page, Routes

routes = Routes("/notifications", tag="Templates")

Fields = Annotated[dict[str, Any], msgspec.Meta(max_length=60, examples=[{}])]


class WordsView(msgspec.Struct, frozen=True):
    """A text with its placeholders, or filled in."""

    language: str
    title: str
    body: str
    why: str


class TemplateView(msgspec.Struct, frozen=True):
    """What is told of an event to whom; the first channel that works is used, and the inbox always."""

    purpose: str
    event: str
    tells: str
    urgency: str
    channels: list[str]
    texts: list[WordsView]


class PreviewTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of an event, as its contract has them; what is left out is taken at its longest."""

    event: Fields = msgspec.field(default_factory=dict)


class TemplatePreview(msgspec.Struct, frozen=True):
    """A message as its readers would see it."""

    purpose: str
    texts: list[WordsView]


@routes.get("/templates", Action.SEE_MESSAGES)
async def list_templates(call: Call) -> Page[TemplateView]:  # noqa: ARG001  every route takes it
    """List what is told of which event, to whom, in which class and over which channels."""
    return Page([_view(rule) for rule in RULES])


@routes.post("/templates/{purpose}/preview", Action.SEE_MESSAGES, status=200, refusals=[Absent])
async def preview_template(call: Call, purpose: str, body: PreviewTemplate) -> TemplatePreview:  # noqa: ARG001
    """Show how a message about an event would read in both languages; nobody is told."""
    rule = overview.rule_of(purpose)
    if rule is None:
        raise Absent
    shown = overview.previews(rule, body.event)
    texts = [WordsView(one.language, one.message.title, one.message.body, one.message.why) for one in shown]
    return TemplatePreview(purpose, texts)


def _view(rule: Rule) -> TemplateView:
    texts = [WordsView(language, one.title, one.body, one.why) for language, one in TEXTS[rule.purpose].items()]
    channels = list(overview.channels_of(rule))
    return TemplateView(rule.purpose, rule.event.type, rule.tells.value, rule.urgency.value, channels, texts)
