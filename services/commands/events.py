"""`serumpun events`: watch events, hand them again, and decide what the machinery must not decide by itself."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.commands import terminal
from services.commands.terminal import AsJson, By, DryRun, Service, Why, Yes

if TYPE_CHECKING:
    from services.operations import mending
    from services.operations.replaying import Replayed

app = typer.Typer(help="Events: watch, show, hand again, and mend what only a person may.", no_args_is_help=True)

Event = Annotated[str, typer.Argument(help="source/partition/number, such as registration/0/17, or the event's id.")]
Source = Annotated[Service | None, typer.Option(help="Only events of this service.")]
Kind = Annotated[str, typer.Option("--type", help="Only this type; * stands for anything.")]
Subject = Annotated[str, typer.Option(help="Only this subject, such as business/*; * stands for anything.")]
Since = Annotated[str | None, typer.Option(help="From this moment on: an age such as 15m or 3d, or a time.")]
Consumer = Annotated[Service, typer.Argument(help="The service that consumes.")]
Lane = Annotated[str, typer.Argument(help="source/partition, such as registration/0.", metavar="SOURCE/PARTITION")]


@app.command()
def tail(
    source: Source = None,
    kind: Kind = "*",
    subject: Subject = "*",
    since: Since = None,
    follow: Annotated[bool, typer.Option(help="Go on with what is recorded from now on, until Ctrl-C.")] = True,
    as_json: AsJson = False,
) -> None:
    """Follow events live as they are recorded, one line each; with --json one document a line.

    Names, telephone numbers and mail addresses of people are masked.
    """
    from services.operations import events
    from services.operations.installation import opened

    begin = terminal.moment(since) if since else None
    sources = [str(source)] if source else [str(one) for one in Service]

    async def show() -> None:
        async with opened(terminal.settings(), sources) as there:
            async for view in events.tail(there, events.Wanted(sources, kind, subject), begin, follow=follow):
                terminal.answer(view, events.lines(view), as_json=as_json)

    terminal.run(show())


@app.command()
def show(event: Event, as_json: AsJson = False) -> None:
    """Show one event with what it tells; people's data is masked."""
    from services.operations import events
    from services.operations.installation import opened

    async def found() -> events.EventView:
        async with opened(terminal.settings()) as there:
            return events.view(await events.find(there, event))

    view = terminal.run(found())
    terminal.answer(view, terminal.fields(view), as_json=as_json)


@app.command()
def replay(
    consumer: Annotated[Service, typer.Option(help="The service that is to handle them again.")],
    reason: Why,
    event: Annotated[str | None, typer.Argument(help="One event; without it say --source.")] = None,
    source: Source = None,
    kind: Kind = "*",
    subject: Subject = "*",
    since: Since = None,
    until: Annotated[str | None, typer.Option(help="Up to this moment.")] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Let a consumer handle events again, after its handler was mended.

    Each event goes with all later ones of its subject, in order, and what arrives meanwhile waits behind them. Nothing
    is sent a second time and no position moves; an effect that is there already is not doubled.
    """
    from services.operations import replaying
    from services.operations.events import find
    from services.operations.installation import opened

    if (event is None) == (source is None):
        raise typer.BadParameter("name one event, or the --source of several", param_hint="EVENT")
    begin, end = (terminal.moment(text) if text else None for text in (since, until))
    name = str(consumer)

    async def carry_out(really: bool) -> "Replayed":
        async with opened(terminal.settings()) as there:
            first = await find(there, event) if event else None
            choice = replaying.Choice(first.source if first else str(source), kind, subject, begin, end, first)
            found = await replaying.chosen(there, name, choice)
            actor = there.operator(by or terminal.login(), reason)
            handed = await replaying.hand_again(there, name, found, actor) if really else 0
            ats = [f"{one.source}/{one.partition}/{one.seq}" for one in found]
            return replaying.Replayed(consumer=name, events=ats, handed=handed, done=really)

    def told(replayed: "Replayed") -> list[str]:
        if replayed.done:
            return [f"{replayed.handed} events wait for {name}, which takes them up within a second where it runs"]
        return [*replayed.events, f"{len(replayed.events)} events are handed again to {name}"]

    terminal.act(carry_out, told, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def consumers(as_json: AsJson = False) -> None:
    """List every consumer with its position in each partition, its lag, and whether it holds up pruning."""
    from services.operations import lanes
    from services.operations.installation import opened

    async def found() -> list[lanes.Lane]:
        async with opened(terminal.settings()) as there:
            return await lanes.lanes(there)

    every = terminal.run(found())
    says = [
        f"{lane.consumer:<17} {lane.at:<20} {lane.state:<13} at {lane.position} of {lane.head}, lag {lane.lag},"
        f" word {'-' if lane.word is None else lane.word}"
        for lane in every
    ]
    terminal.answer(every, says, as_json=as_json)


@app.command()
def position(
    consumer: Consumer,
    lane: Lane,
    to: Annotated[str, typer.Option(help="`oldest` (begin with the oldest event that is kept), `head`, or a number.")],
    reason: Why,
    dry_run: DryRun = False,
    yes: Yes = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Set a consumer's position where it cannot go on by itself: the cure for HistoryGone.

    Events that are skipped never take effect in the consumer; they stand on record, and `verify` passes over them.
    """
    from services.operations import mending
    from services.operations.installation import opened

    source, partition = terminal.lane(lane)

    async def carry_out(really: bool) -> "mending.Positioned":
        async with opened(terminal.settings()) as there:
            now = await mending.lane_of(there, str(consumer), source, partition)
            after = mending.target(now, to)
            if really:
                await mending.set_position(there, now, after, there.operator(by or terminal.login(), reason))
            return mending.Positioned(
                consumer=now.consumer,
                at=now.at,
                before=now.position,
                after=after,
                skipped=max(0, after - now.position),
                done=really,
            )

    def told(one: "mending.Positioned") -> list[str]:
        moved = f"{one.consumer} in {one.at}: from {one.before} to {one.after}"
        return [
            f"{moved}; {one.skipped} events never take effect there" + ("" if one.done else ", and none comes back")
        ]

    terminal.act(carry_out, told, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def mend(
    source: Annotated[Service, typer.Argument(help="The service whose outbox is to be mended.")],
    reason: Why,
    dry_run: DryRun = False,
    yes: Yes = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Make an outbox dense again up to its head, and bring it together with its streams.

    What is missing comes back from the stream where it stands there; a number whose event nobody has any more gets a
    tombstone. A head that is behind its own events is raised.
    """
    from services.operations import mending
    from services.operations.installation import opened

    async def carry_out(really: bool) -> "list[mending.Mended]":
        async with opened(terminal.settings(), [str(source)]) as there:
            actor = there.operator(by or terminal.login(), reason) if really else None
            partitions = range(there.settings.partitions)
            return [await mending.mend(there, str(source), partition, actor) for partition in partitions]

    def told(mended: "list[mending.Mended]") -> list[str]:
        return [
            f"{one.source}/{one.partition}: {one.adopted} adopted, {one.lost} lost, {one.renumbered} renumbered,"
            f" head {one.head_before} to {one.head}"
            for one in mended
        ]

    terminal.act(carry_out, told, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def refill(
    source: Annotated[Service, typer.Argument(help="The service whose stream is to be filled again.")],
    partition: Annotated[int, typer.Option(min=0, max=255, help="The partition of the stream.")],
    reason: Why,
    dry_run: DryRun = False,
    yes: Yes = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Throw a stream away and let the relay fill it again from the outbox: the cure for FenceRefused.

    For a stream that holds what this installation never recorded. Entries that stand only there are lost.
    """
    from services.operations import mending
    from services.operations.installation import opened

    async def carry_out(really: bool) -> "mending.Refill":
        async with opened(terminal.settings()) as there:
            plan = await mending.refill_of(there, str(source), partition)
            if really:
                await mending.refill(there, str(source), partition, there.operator(by or terminal.login(), reason))
            return plan

    def told(one: "mending.Refill") -> list[str]:
        thrown = f"{one.source}/{one.partition}: {one.entries} entries are thrown away and filled again by the relay"
        return [f"{thrown}; {one.only_there} of them stand nowhere else, and are lost"]

    terminal.act(carry_out, told, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def unregister(
    consumer: Consumer,
    reason: Why,
    source: Source = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Let pruning wait no more for a consumer that is gone for good; should it speak again, it counts again."""
    _register(consumer, source, reason, by, waited_for=False, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def register(
    consumer: Consumer,
    reason: Why,
    source: Source = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Let pruning wait for a consumer again."""
    _register(consumer, source, reason, by, waited_for=True, dry_run=dry_run, yes=yes, as_json=as_json)


def _register(
    consumer: Service,
    source: Service | None,
    reason: str,
    by: str,
    *,
    waited_for: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from services.operations import mending
    from services.operations.installation import opened
    from shared.contracts import SUBSCRIPTIONS

    sources = [str(source)] if source else list(SUBSCRIPTIONS[str(consumer)])

    async def carry_out(really: bool) -> "mending.Registered":
        async with opened(terminal.settings(), sources) as there:
            act = mending.register if waited_for else mending.unregister
            if really:
                await act(there, str(consumer), sources, there.operator(by or terminal.login(), reason))
            return mending.Registered(consumer=str(consumer), sources=sources, waited_for=waited_for, done=really)

    def told(one: "mending.Registered") -> list[str]:
        return [f"pruning of {', '.join(one.sources)} {'waits' if waited_for else 'does not wait'} for {one.consumer}"]

    terminal.act(carry_out, told, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def acts(
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many of each service, the latest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what operators did by command: who, when, why, and to which events."""
    from services.operations import records
    from services.operations.installation import opened

    async def found() -> list[records.ActView]:
        async with opened(terminal.settings()) as there:
            return await records.acts(there, limit)

    every = terminal.run(found())
    terminal.answer(every, [line for one in every for line in records.lines(one)], as_json=as_json)
