"""The public page of a paper: says to whoever holds it, on whichever phone, whether it is true.

No script, nothing from another host, and nothing about a person; Indonesian first, English beneath.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path

from services.aid_distribution.ledger.verification import VerifiedCard, VerifiedPosting
from services.aid_distribution.ledger.words import (
    KINDS,
    OUTSIDE,
    UNITS,
    Words,
    day_in_words,
    in_digits,
    moment_in_words,
    words_of,
)
from shared.answers import Content

STYLE = Path(__file__).with_name("verification.css").read_text()
STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",  # the address is the code
    "X-Robots-Tag": "noindex",
    "Vary": "Accept",
}
PAGE = """<!doctype html>
<html lang="id"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><style>{style}</style></head>
<body><main class="{mood}"><header><p class="sign" aria-hidden="true">{sign}</p>
<h1>{title}</h1><p lang="en">{english}</p></header>
{content}
<footer><p>Halaman ini dibaca langsung dari pembukuan bantuan Serumpun.</p>
<p lang="en">This page is read straight from the Serumpun aid ledger.</p></footer></main></body></html>
"""
GOOD, CHANGED, BAD = ("good", "\u2713"), ("changed", "!"), ("bad", "\u2717")
NOT_VALID = """<p>Kode ini tidak ada di pembukuan kami. Pindai ulang kode QR pada kertas; bila hasilnya sama, jangan
percayai kertas itu dan tanyakan kepada kantor yang tertera di atasnya.</p>
<p lang="en">This code is not in our books. Scan the QR code on the paper again; if the answer is the same, do not trust
the paper, and ask the office that it names.</p>"""


def page(found: VerifiedPosting | VerifiedCard | None) -> Content:
    """Give the page for what was found; the same for every code that is not valid."""
    if found is None:
        title = Words("Tidak berlaku", "Not valid")
        return Content(_page(BAD, title, NOT_VALID), "text/html; charset=utf-8", HEADERS, 404)
    body = _posting(found) if isinstance(found, VerifiedPosting) else _card(found)
    return Content(body, "text/html; charset=utf-8", HEADERS)


def _page(mood: tuple[str, str], title: Words, content: str) -> bytes:
    return PAGE.format(
        style=STYLE,
        mood=mood[0],
        sign=mood[1],
        title=escape(title.indonesian),
        english=escape(title.english),
        content=content,
    ).encode()


def _posting(found: VerifiedPosting) -> bytes:
    facts = [
        (Words("Nomor", "Number"), found.number),
        (Words("Jenis", "Kind"), _both(words_of(found.kind, KINDS))),
        (Words("Tanggal", "Date"), day_in_words(found.occurred_on)),
    ]
    if found.reverses:
        facts.append((Words("Membatalkan", "Reverses"), found.reverses))
    if found.reversed_by:
        facts.append((Words("Dibatalkan oleh", "Reversed by"), found.reversed_by))
    goods = "".join(
        f"<tr><td>{escape(line.item_name)} <small>{escape(line.item)}</small><br>"
        f"<small>{_place(line.from_place)} \u2192 {_place(line.to_place)}</small></td>"
        f"<td>{in_digits(line.quantity)} {_both(words_of(line.unit, UNITS))}</td></tr>"
        for line in found.lines
    )
    table = (
        '<table><thead><tr><th>Barang<br><small lang="en">Goods</small></th>'
        f'<th>Jumlah<br><small lang="en">Quantity</small></th></tr></thead><tbody>{goods}</tbody></table>'
    )
    if found.reversed_by:
        return _page(CHANGED, Words("Asli, tetapi dibatalkan", "Genuine, but reversed"), _facts(facts) + table)
    return _page(GOOD, Words("Asli dan berlaku", "Genuine and valid"), _facts(facts) + table)


def _card(found: VerifiedCard) -> bytes:
    unit = _both(words_of(found.unit, UNITS))
    facts = [
        (Words("Kartu stok", "Stock card"), f"{escape(found.item_name)} <small>{escape(found.item)}</small>"),
        (Words("Tempat", "Place"), f"{escape(found.place_name)} <small>{escape(found.place)}</small>"),
        (Words("Dari", "From"), day_in_words(found.from_)),
        (Words("Sampai", "Until"), moment_in_words(found.until)),
        (Words("Saldo tercetak", "Balance on the paper"), f"{in_digits(found.printed)} {unit}"),
    ]
    if found.printed == found.on_hand:
        return _page(
            GOOD, Words("Asli dan cocok dengan pembukuan", "Genuine, and agrees with the books"), _facts(facts)
        )
    facts.append((Words("Saldo menurut pembukuan", "Balance in the books"), f"{in_digits(found.on_hand)} {unit}"))
    title = Words("Asli, tetapi pembukuan telah berubah", "Genuine, but the books have changed since")
    return _page(CHANGED, title, _facts(facts))


def _facts(facts: list[tuple[Words, str]]) -> str:
    """Lay out facts, whose values are HTML already."""
    told = "".join(
        f'<dt>{label.indonesian} <small lang="en">{label.english}</small></dt><dd>{value}</dd>'
        for label, value in facts
    )
    return f"<dl>{told}</dl>"


def _both(words: Words) -> str:
    return f"{escape(words.indonesian)}" + (
        f' <small lang="en">{escape(words.english)}</small>' if words.english != words.indonesian else ""
    )


def _place(name: str) -> str:
    return _both(words_of(name, OUTSIDE)) if name in OUTSIDE else escape(name)
