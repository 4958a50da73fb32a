"""The session of a page: a token in a cookie that no script can read and that only pages of this very site can use.

The browser carries the token, so three things keep other sites from using it: the cookie is `SameSite=Strict`, the
browser says where a request comes from (`Sec-Fetch-Site`), and an order needs a header that no foreign page can send
without asking first, which is never allowed here. Machines go on with `Authorization: Bearer`, which wins.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import msgspec

from shared.answers import Answer
from shared.incoming import Incoming
from shared.problems import Forbidden
from shared.routes import Route

PAGE_HEADER: Final = b"serumpun-page"
NAME: Final = "serumpun"
SECURE_NAME: Final = f"__Host-{NAME}"
"""By this name no other host of the same site can set the cookie; browsers take it over TLS only."""


class SessionOver(msgspec.Struct, frozen=True):
    """That the session of this browser is over; `ended` is always true."""

    ended: bool


class _Begun(msgspec.Struct, frozen=True):
    access_token: str
    expires_in_seconds: int


def cookie_name(public_url: str) -> str:
    """Give what the cookie is called where this installation is reached by such an address."""
    return SECURE_NAME if public_url.startswith("https://") else NAME


def carried(request: Incoming, public_url: str, *, writes: bool) -> str | None:
    """Give what a cookie stands for, as an Authorization header would say it; None where there is no cookie.

    Raises: Forbidden (403) where it is not a page of this site that asks
    """
    token = _cookie(request, cookie_name(public_url))
    if token is None:
        return None
    demand_own_page(request, writes=writes)
    return f"Bearer {token}"


def token_of(request: Incoming, public_url: str) -> str | None:
    """Give the token in the cookie, good or not; None where there is no cookie."""
    return _cookie(request, cookie_name(public_url))


def demand_own_page(request: Incoming, *, writes: bool = True) -> None:
    """Let pass what a page of this site asks; a question may also be typed into the address bar.

    Raises: Forbidden (403) for what another site makes a browser send, and for an order without the header
    """
    site = request.header(b"sec-fetch-site", None)
    if site not in (None, "same-origin", *(() if writes else ("none",))):
        raise Forbidden("This was not asked by a page of this site.")
    if writes and request.header(PAGE_HEADER, "") != "1":
        raise Forbidden("A page that orders something by its session says so: `Serumpun-Page: 1`.")


def answered(route: Route, answer: Answer, public_url: str) -> Answer:
    """Give the answer as it goes out: where a session begins, the token is moved from the body into the cookie."""
    if route.session == "begins":
        begun = msgspec.json.decode(answer.body, type=_Begun)
        told: dict[str, object] = msgspec.json.decode(answer.body)
        del told["access_token"]
        cookie = _set(public_url, begun.access_token, begun.expires_in_seconds)
        return replace(answer, body=msgspec.json.encode(told), headers={**answer.headers, **cookie})
    if route.session == "ends":
        return replace(answer, headers={**answer.headers, **_set(public_url, "", 0)})
    return answer


def _set(public_url: str, token: str, seconds: int) -> Mapping[str, str]:
    secure = "; Secure" if public_url.startswith("https://") else ""
    name = cookie_name(public_url)
    return {"Set-Cookie": f"{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"}


def _cookie(request: Incoming, name: str) -> str | None:
    for pair in request.header(b"cookie", "").split(";"):
        known, _, value = pair.strip().partition("=")
        if known == name and value:
            return value
    return None
