"""The lines that `serumpun up` prints to be copied: read by the rules of a shell, they do what the page says."""

import shlex
from collections.abc import Iterator
from itertools import pairwise

import httpx
import msgspec
import pytest

from tests.journey.conftest import Whole
from tests.waiting import wait_until


@pytest.fixture
def lines(one_process: Whole) -> list[list[str]]:
    return list(_commands(one_process.printed))


def _commands(page: str) -> Iterator[list[str]]:
    """Give the words of each curl line as a shell would hand them over, with the token that the page sets before."""
    token = next(line.removeprefix("TOKEN=") for line in page.splitlines() if line.startswith("TOKEN="))
    for line in page.splitlines():
        steps = [step for step in line.split("; ") if step.startswith("curl ")]
        yield from (shlex.split(step.replace("$TOKEN", token)) for step in steps)


def curl(words: list[str]) -> httpx.Response:
    """Do what curl does with such a line."""
    (url,) = (word for word in words if word.startswith("http"))
    given = list(pairwise(words))
    headers = dict(word.split(": ", 1) for option, word in given if option == "-H")
    body = [word for option, word in given if option == "-d"]
    return httpx.post(url, content=body[0], headers=headers) if body else httpx.get(url, headers=headers)


async def test_the_printed_lines_post_a_distribution_read_the_stock_and_read_the_notification(
    lines: list[list[str]],
) -> None:
    post, stock, inbox = lines
    before = curl(stock).json()["items"][0]["on_hand"]

    receipt = curl(post)
    again = curl(post)

    assert receipt.status_code == 201, receipt.text
    assert (again.content, again.headers["Idempotency-Replayed"]) == (receipt.content, "true")
    assert curl(stock).json()["items"][0]["on_hand"] == before - 100
    number = receipt.json()["number"]
    assert await wait_until(lambda: number in curl(inbox).text, description="the notification")
    assert number in msgspec.json.decode(curl(inbox).content)["items"][0]["body"]


def test_without_its_key_the_same_line_would_hand_out_twice(lines: list[list[str]]) -> None:
    post, stock, _ = lines
    before = curl(stock).json()["items"][0]["on_hand"]
    keyless = [word if not word.startswith("Idempotency-Key") else "X-Nothing: at all" for word in post]

    assert curl(keyless).json()["number"] != curl(keyless).json()["number"]

    assert curl(stock).json()["items"][0]["on_hand"] == before - 200
