"""Where a request comes from: what a front door of ours says, and never what whoever asks says of themselves."""

from typing import Any

import pytest

from shared.incoming import Incoming, address_of

DOOR, CALLER, MADE_UP = "172.18.0.5", "203.0.114.9", "8.8.8.8"


def address(peer: str, *told: str) -> str:
    headers = [(b"x-forwarded-for", one.encode()) for one in told]
    scope: dict[str, Any] = {"client": (peer, 40_000), "headers": headers}
    return address_of(Incoming(scope, _nothing))


async def _nothing() -> Any:
    raise AssertionError("nothing is read")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((), DOOR),
        ((CALLER,), CALLER),
        ((f"{MADE_UP}, {CALLER}",), CALLER),
        ((MADE_UP, CALLER), CALLER),  # HAProxy adds a header of its own beside the one that was sent
        ((f"{MADE_UP}, {MADE_UP}", f"{CALLER}, 10.0.0.4"), CALLER),
        (("nonsense",), DOOR),
        (("10.1.2.3",), DOOR),
    ],
)
def test_of_what_a_front_door_tells_the_last_public_address_counts(told: tuple[str, ...], expected: str) -> None:
    assert address(DOOR, *told) == expected


def test_a_peer_that_is_no_front_door_cannot_tell_of_another_address() -> None:
    assert address(CALLER, MADE_UP) == CALLER
