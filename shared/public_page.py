"""A page for whoever scans a code, on whichever phone: Indonesian first, English beneath, nothing from another host."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import NamedTuple

from shared.answers import Content

HTML = "text/html; charset=utf-8"
STYLE = Path(__file__).with_suffix(".css").read_text()
PAGE = """<!doctype html>
<html lang="id"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><style>{style}</style></head>
<body><main class="{mood}"><header><p class="sign" aria-hidden="true">{sign}</p>
<h1>{title}</h1><p lang="en">{english}</p></header>
{content}
<footer><p>{foot}</p>
<p lang="en">{foot_english}</p></footer></main>{script}</body></html>
"""


class Mood(NamedTuple):
    """The colour of a page, as its style names it, and the sign on it."""

    name: str
    sign: str


GOOD, CHANGED, BAD = Mood("good", "\u2713"), Mood("changed", "!"), Mood("bad", "\u2717")


def public_page(
    mood: Mood,
    title: tuple[str, str],
    content: str,
    foot: tuple[str, str],
    *,
    script: str = "",
    status: int = 200,
) -> Content:
    """Give a page; titles and feet are in Indonesian and in English, `content` is HTML already.

    Shape: a `script` may ask this host alone; its hash stands in the policy, so that no other one runs
    """
    body = PAGE.format(
        style=STYLE,
        mood=mood.name,
        sign=mood.sign,
        title=escape(title[0]),
        english=escape(title[1]),
        content=content,
        foot=escape(foot[0]),
        foot_english=escape(foot[1]),
        script=f"<script>{script}</script>" if script else "",
    )
    return Content(body.encode(), HTML, _headers(script), status)


def _headers(script: str) -> dict[str, str]:
    runs = f"script-src 'sha256-{_hash(script)}'; connect-src 'self'; " if script else ""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_hash(STYLE)}'; {runs}img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",  # the address is the code
        "X-Robots-Tag": "noindex",
        "Vary": "Accept",
    }


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
