"""QR codes: as a drawing for printing, as an address that a page shows, as squares for a paper.

What draws them is loaded by whoever asks for one: most processes never do.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Literal

Scratched = Literal["m", "q"]
"""How much of a code may be gone: 15 % (m), or 25 % (q) for what hangs outdoors."""


def svg(text: str, *, scale: int, scratched: Scratched = "m") -> bytes:
    """Draw a text as a QR code in SVG, with so many pixels to a square."""
    drawn = BytesIO()
    _code(text, scratched).save(drawn, kind="svg", scale=scale, xmldecl=False)
    return drawn.getvalue()


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
