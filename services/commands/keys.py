"""`serumpun keys`: the keys under which personal data stand, and their rotation while everything runs."""

from typing import TYPE_CHECKING

import typer

from services.commands import terminal
from services.commands.terminal import AsJson, By, DryRun, Why, Yes

if TYPE_CHECKING:
    from services.operations.key_rotation import Keys, Rotated

app = typer.Typer(help="Keys for personal data: a new one, rotation, letting go of old ones.", no_args_is_help=True)


@app.command("new")
def renew(dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False) -> None:
    """Make a new key for personal data; it is in use at once, and the earlier ones are still read."""
    from services.operations import key_rotation
    from services.operations.installation import opened

    async def carry_out(really: bool) -> "Keys":
        async with opened(terminal.settings(), [key_rotation.REGISTRATION]) as there:
            return key_rotation.renew(there, really=really)

    terminal.act(carry_out, _kept, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def rotate(reason: Why, dry_run: DryRun = False, yes: Yes = False, by: By = "", as_json: AsJson = False) -> None:
    """Bring everything that stands under an earlier key under the one in use, by batches, while everything runs.

    Broken off it is simply begun again.
    """
    from services.operations import key_rotation
    from services.operations.installation import opened

    async def carry_out(really: bool) -> "Rotated":
        with terminal.progress(as_json=as_json) as steps:
            async with opened(terminal.settings(), [key_rotation.REGISTRATION]) as there:
                operator = there.operator(by or terminal.login(), reason) if really else None
                return await key_rotation.rotate(there, steps, operator)

    def told(one: "Rotated") -> list[str]:
        what = "brought under the key in use" if one.done else "stand under an earlier key"
        counts = {"keys of persons": one.keys, **one.indexes}
        return [f"{count} of {name}: {what}" for name, count in counts.items()]

    terminal.act(carry_out, told, dry_run=dry_run, yes=yes, as_json=as_json)


@app.command()
def retire(dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False) -> None:
    """Let the earlier keys go, once nothing stands under them; older backups cannot be read with what is left."""
    from services.operations import key_rotation
    from services.operations.installation import opened

    async def carry_out(really: bool) -> "Keys":
        with terminal.progress(as_json=as_json) as steps:
            async with opened(terminal.settings(), [key_rotation.REGISTRATION]) as there:
                return await key_rotation.retire(there, steps, really=really)

    terminal.act(carry_out, _kept, dry_run=dry_run, yes=yes, as_json=as_json)


def _kept(one: "Keys") -> list[str]:
    return [f"{one.read} keys for personal data {'are' if one.done else 'would be'} read, the first is in use"]
