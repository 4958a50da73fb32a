"""The public page of a paper: says to whoever holds it, on whichever phone, whether it is true.

No script, nothing from another host, and nothing about a person; Indonesian first, English beneath.
"""

from html import escape

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
from shared.public_page import BAD, CHANGED, GOOD, Mood, public_page

FOOT = (
    "Halaman ini dibaca langsung dari pembukuan bantuan Serumpun.",
    "This page is read straight from the Serumpun aid ledger.",
)
NOT_VALID = """<p>Kode ini tidak ada di pembukuan kami. Pindai ulang kode QR pada kertas; bila hasilnya sama, jangan
percayai kertas itu dan tanyakan kepada kantor yang tertera di atasnya.</p>
<p lang="en">This code is not in our books. Scan the QR code on the paper again; if the answer is the same, do not trust
the paper, and ask the office that it names.</p>"""


def page(found: VerifiedPosting | VerifiedCard | None) -> Content:
    """Give the page for what was found; the same for every code that is not valid."""
    if found is None:
        return public_page(BAD, Words("Tidak berlaku", "Not valid"), NOT_VALID, FOOT, status=404)
    return _posting(found) if isinstance(found, VerifiedPosting) else _card(found)


def _page(mood: Mood, title: Words, content: str) -> Content:
    return public_page(mood, title, content, FOOT)


def _posting(found: VerifiedPosting) -> Content:
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


def _card(found: VerifiedCard) -> Content:
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
