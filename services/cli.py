"""The `serumpun` command: run everything, run one service, migrate, give out tokens and keys; and operate it.

What a command needs is imported when it runs, so that `--help` answers at once.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from services import stopping
from services.commands import broadcasts, events, imports, messages, month, parked, person, stock, terminal
from services.commands import keys as personal_keys
from services.commands.doctor import doctor
from services.commands.terminal import AsJson, Service
from services.commands.verify import verify
from shared.caller import Role
from shared.settings import SERVICES, Settings

LOOPBACK = "127.0.0.1"
PORTS_ALONE = {name: 8001 + number for number, name in enumerate(SERVICES)}
"""Where a service listens that runs as a process of its own, and where the others look for it."""

app = typer.Typer(
    name="serumpun",
    cls=terminal.Commands,
    help="Aid and training logistics for small industry in a crisis.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # loading Rich's Markdown takes longer than all the rest of --help
    context_settings={"help_option_names": ["-h", "--help"]},
)
keys = typer.Typer(help="Keys for machines: create and revoke.", no_args_is_help=True)
app.add_typer(keys, name="api-key")
app.add_typer(broadcasts.app, name="broadcasts")
app.add_typer(events.app, name="events")
app.add_typer(imports.app, name="import")
app.add_typer(messages.app, name="messages")
app.add_typer(parked.app, name="parked")
app.add_typer(personal_keys.app, name="keys")
app.add_typer(person.app, name="person")
app.add_typer(stock.app, name="stock")
app.command()(verify)
app.command()(doctor)
app.command()(person.retention)

Port = Annotated[int | None, typer.Option(envvar="PORT", help="Port to listen on.")]
Host = Annotated[str, typer.Option(help="Address to listen on; only this machine unless told otherwise.")]
Regions = Annotated[list[str] | None, typer.Option("--region", help="Region code, such as 19.71; may be repeated.")]


class Direction(StrEnum):
    """Where `migrate` goes."""

    UP = "up"
    DOWN = "down"


@app.command()
def up(port: Port = None, host: Host = LOOPBACK, as_json: AsJson = False) -> None:
    """Run everything on one port: servers, databases, demo province and all three services."""
    from services import running

    running.up(_settings(port), host, as_json=as_json)


@app.command()
def servers(as_json: AsJson = False) -> None:
    """Run only PostgreSQL and Valkey, migrated and with the demo province, until stopped."""
    from services import running

    running.hold_servers(_settings(None), as_json=as_json)


@app.command()
def serve(
    service: Annotated[Service, typer.Argument(help="The service to run.")],
    port: Port = None,
    host: Host = LOOPBACK,
    only: Annotated[str, typer.Option(help="Parts to run, separated by commas; all of them by default.")] = "",
    as_json: AsJson = False,
) -> None:
    """Run one service as a process of its own, on the servers of `serumpun servers` or of the environment.

    Without --port it is 8001 for registration, 8002 for aid_distribution, 8003 for notifications. Services that listen
    elsewhere are found by REGISTRATION_URL, AID_DISTRIBUTION_URL and NOTIFICATIONS_URL.
    """
    from services import running

    alone = port or PORTS_ALONE[str(service)]
    running.serve(
        _settings(alone, PORTS_ALONE | {str(service): alone}),
        str(service),
        host,
        frozenset(part.strip() for part in only.split(",") if part.strip()),
        as_json=as_json,
    )


@app.command()
def migrate(
    direction: Annotated[
        Direction, typer.Argument(help="up: to today's schema; down: to the empty database.")
    ] = Direction.UP,
    service: Annotated[Service | None, typer.Option(help="Only this service.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Really go down: every row of the service is lost.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the databases to today's schema, or take them down to nothing."""
    from services import running

    if direction is Direction.DOWN and not yes:
        raise typer.BadParameter("going down destroys every row; say --yes to mean it", param_hint="--yes")
    services = [str(service)] if service else list(SERVICES)
    running.migrate(_settings(None), direction.value, services, as_json=as_json)


@app.command()
def load(as_json: AsJson = False) -> None:
    """Load the province that PROVINCE names into migrated databases, unless it is there already."""
    from services import running

    running.load_province(_settings(None), as_json=as_json)


@app.command()
def demo(
    scale: Annotated[
        int | None,
        typer.Option(min=1, max=20_000_000, help="How many movements to load; 1,000,000 take some minutes."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell a month of aid in the demo province, so that every page and list has something to show.

    Each act of it happens once, however often the command is given. With --scale it loads a long history instead:
    movements over the places, items, lots and the last two years, all of it or nothing, of which nobody is told;
    refused where a business is registered that the demo province does not list. `serumpun verify` holds after both.
    """
    if scale is None:
        month.demo(_settings(None), as_json=as_json)
        return
    from services import running

    running.load_history(_settings(None), scale, as_json=as_json)


@app.command()
def token(
    role: Annotated[Role, typer.Option(help="What the bearer may do.")],
    region: Regions = None,
    subject: Annotated[str | None, typer.Option(help="Who the bearer is; an owner must be named.")] = None,
    hours: Annotated[float, typer.Option(min=0.01, max=8_760, help="How long the token lives.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Print one bearer token for development, and nothing else."""
    from services import credentials

    given = credentials.token(_settings(None), role, region or [], subject, hours)
    terminal.answer({"token": given}, [given], as_json=as_json)


@keys.command("create")
def create_key(
    service: Annotated[Service, typer.Option(help="The service whose API the key opens.")],
    role: Annotated[Role, typer.Option(help="What the machine may do.")],
    subject: Annotated[str, typer.Option(help="The machine's name in logs and documents.")],
    region: Regions = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3_650, help="How long the key lives; for ever by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a new key; only its hash is stored, so it cannot be shown again."""
    from services import credentials

    key = credentials.create_key(_settings(None), str(service), role, region or [], subject, days)
    terminal.answer({"key": key}, [key], as_json=as_json)


@keys.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key, or the id between its underscores.")],
    service: Annotated[Service, typer.Option(help="The service whose API the key opens.")],
    as_json: AsJson = False,
) -> None:
    """End a key now; services notice within seconds."""
    from services import credentials

    said = credentials.revoke_key(_settings(None), str(service), key)
    terminal.answer({"says": said}, [said], as_json=as_json)


def _settings(port: int | None, peers: Mapping[str, int] | None = None) -> Settings:
    """Read the settings; options of the command line win over PORT, and addresses in the environment over `peers`."""
    settings = Settings.from_env()
    port = port or settings.port
    if not 0 < port < 2**16:
        raise typer.BadParameter("a port is a number from 1 to 65535", param_hint="--port")
    unnamed = f"http://{LOOPBACK}:{settings.port}"
    found = {
        name: f"http://{LOOPBACK}:{(peers or {}).get(name, port)}" if url == unnamed else url
        for name, url in settings.peer_urls.items()
    }
    return replace(settings, port=port, peer_urls=found)


def main() -> None:
    """Run the command; a wish to stop is heard from here on."""
    stopping.listen()
    app()


if __name__ == "__main__":
    main()
