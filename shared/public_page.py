"""A page for whoever scans a code, on whichever phone: Indonesian first, English beneath, nothing from another host."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import NamedTuple

from shared.answers import Content
from shared.incoming import JSON

HTML = "text/html; charset=utf-8"
STYLE = Path(__file__).with_suffix(".css").read_text()
SENDING = Path(__file__).with_suffix(".js").read_text()
"""What a script may stand on that sends something: `send`, and `tell` for what became of it, said where `said` is."""

SAID = '<div id="said" role="status"></div>'
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


BUSY = """<p>Tunggu satu menit, lalu buka halaman ini lagi.</p>
<p lang="en">Wait a minute, then open this page again.</p>"""
BUSY_FOOT = (
    "Dari satu alamat halaman umum hanya dapat dibuka beberapa kali dalam satu menit.",
    "From one address public pages can be opened some times a minute.",
)


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


def busy_page() -> Content:
    """Give the page for whoever has looked at many pages in a short time."""
    return public_page(CHANGED, ("Terlalu sering dibuka", "Opened too often"), BUSY, BUSY_FOOT, status=429)


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


def asks_for_page(accept: str) -> bool:
    """Tell whether a page is what is asked for: by whoever takes one, and whoever does not ask for JSON."""
    return JSON not in accept or "text/html" in accept


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
