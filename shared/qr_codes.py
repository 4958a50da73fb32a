"""QR codes: as a drawing for printing, as an address that a page shows, as squares for a paper.

What draws them is loaded by whoever asks for one: most processes never do.
"""

from collections.abc import Sequence
from html import escape
from typing import Any, Literal

Scratched = Literal["m", "q"]
"""How much of a code may be gone: 15 % (m), or 25 % (q) for what hangs outdoors."""
LETTER_PIXELS_MAX = 20
LETTER_WIDTH = 0.6
"""How wide a letter is, in its own size."""


def svg_with_words(text: str, words: Sequence[str], *, scale: int, scratched: Scratched = "m") -> bytes:
    """Draw a text as a QR code with lines of words beneath it, each as large as it fits."""
    code = _code(text, scratched)
    width, height = code.symbol_size(scale=scale)
    drawn, y = code.svg_inline(scale=scale), height
    for line in words:
        size = min(LETTER_PIXELS_MAX, round(0.9 * width / (LETTER_WIDTH * len(line)), 1))
        y += round(1.4 * LETTER_PIXELS_MAX)
        drawn += (
            f'<text x="{width / 2}" y="{y}" font-family="monospace" font-size="{size}" text-anchor="middle">'
            f"{escape(line)}</text>"
        )
    whole = f'width="{width}" height="{y + LETTER_PIXELS_MAX}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {whole}><rect {whole} fill="#fff"/>{drawn}</svg>'.encode()


def svg_address(text: str, *, scale: int) -> str:
    """Draw a text as a QR code that stands in an address of its own (`data:`)."""
    return str(_code(text, "m").svg_data_uri(scale=scale))


def squares(text: str) -> Sequence[Sequence[int]]:
    """Give the rows of a QR code, 1 for each dark square."""
    rows: Sequence[Sequence[int]] = _code(text, "m").matrix
    return rows


def _code(text: str, scratched: Scratched) -> Any:
    import segno  # noqa: PLC0415 - see above

    return segno.make(text, error=scratched, micro=False)
