"""A part of what `python -m tests.faults.letters` does in full: a gateway that fails, and a sender that is killed."""

import pytest

from tests.conftest import Databases
from tests.faults.letters import through_it_all

LETTERS, KILLS, SPEED = 150, 3, 40


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
async def test_no_letter_is_lost_or_doubled_and_every_doubt_is_visible(databases: Databases, channel: str) -> None:
    database = await databases("notifications", migrated=True)
    found = await through_it_all(database, channel, LETTERS, KILLS, seed=2020, speed=SPEED)
    assert found.right, str(found)
    assert sum(found.states.values()) == LETTERS
    assert set(found.states) <= {"accepted", "unknown", "failed"}
    if channel == "sms":
        assert not found.states["unknown"], "a gateway that knows the key leaves no doubt"
    else:
        assert found.states["unknown"], "whose answer was lost"
