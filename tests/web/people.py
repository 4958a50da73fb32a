"""People at a page: an owner has the mail in which their code comes, an office has its token."""

import re
from functools import partial

from playwright.async_api import expect

from shared.province import PROVINCES, read_province
from tests.journey.people import Office, Owner, World
from tests.waiting import wait_until
from tests.web.seen import Seen

PROVINCE = PROVINCES / "19-kepulauan-bangka-belitung"


async def asks_for_a_code(seen: Seen, world: World, name: str) -> str:
    """Ask for a code on the page that signs in, and read it in the mail."""
    owner = next(one for one in read_province(PROVINCE).owners if one.name == name)
    await wait_until(partial(is_known, world.owner(name)), description=f"{name} to be known where codes are sent")
    before = len(world.mail.letters)
    await seen.page.get_by_label("Nomor telepon").fill(owner.phone or "")
    await seen.presses("Kirim kode")

    def code() -> str | None:
        told = [letter.get_content() for letter in world.mail.letters[before:] if letter["To"] == owner.email]
        found = [re.search(r"Serumpun: (\d{6})", text) for text in told]
        return next((one[1] for one in found if one), None)

    return await wait_until(code, description="the code")


async def is_known(owner: Owner) -> bool:
    """Tell whether the registration of somebody has got about: the province has been furnished a moment ago."""
    return bool((await owner.sees("/notifications/inbox", limit=1))["items"])


async def signs_in(seen: Seen, world: World, name: str, *, lands_on: str = "Kotak masuk") -> None:
    """Sign in, and be where one wanted to go."""
    await seen.page.get_by_label("Kode 6 angka").fill(await asks_for_a_code(seen, world, name))
    await seen.presses("Masuk")
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text(lands_on)


async def signs_in_at_office(seen: Seen, office: Office, *, lands_on: str) -> None:
    """Sign in by the token of an office, on the page that asks for it, and be where one wanted to go."""
    await seen.page.get_by_label("Token").fill(office.token)
    await seen.presses("Masuk")
    await expect(seen.page.get_by_role("heading", level=1)).to_have_text(lands_on)
