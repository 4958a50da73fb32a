"""A picture of who tells whom: those who send on the left, those who receive on the right."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 360
BOX_WIDTH = 126
BOX_HEIGHT = 40
STEP = 58
TOP = 22
ARROW = 7


def picture(flows: Mapping[str, tuple[int, Sequence[str]]]) -> str:
    """Draw who tells whom, as SVG: for each sender how many types of event it has, and its receivers."""
    names = [*flows, *(name for _, receivers in flows.values() for name in receivers)]
    rows = {name: TOP + STEP * row for row, name in enumerate(dict.fromkeys(names))}
    height = TOP + STEP * len(rows)
    right = WIDTH - BOX_WIDTH
    receiving = dict.fromkeys(name for _, receivers in flows.values() for name in receivers)
    parts = [
        _text(0, 12, "sends", "head"),
        _text(right, 12, "receives", "head"),
        *(_box(0, rows[name], name, f"{types} types of event") for name, (types, _) in flows.items()),
        *(_box(right, rows[name], name, _sources(name, flows)) for name in receiving),
        *(_arrow(name, rows[name], rows[receiver]) for name, (_, told) in flows.items() for receiver in told),
    ]
    told = "; ".join(f"{name} to {', '.join(receivers) or 'nobody'}" for name, (_, receivers) in flows.items())
    label = f'role="img" aria-label="Who tells whom: {escape(told)}"'
    return f'<svg viewBox="0 0 {WIDTH} {height}" {label}>{"".join(parts)}</svg>'


def _sources(receiver: str, flows: Mapping[str, tuple[int, Sequence[str]]]) -> str:
    count = sum(receiver in receivers for _, receivers in flows.values())
    return f"from {count} {'service' if count == 1 else 'services'}"


def _text(x: int, y: int, text: str, kind: str = "name") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>'


def _box(x: int, y: int, name: str, told: str) -> str:
    frame = f'<rect x="{x + 0.5}" y="{y + 0.5}" width="{BOX_WIDTH - 1}" height="{BOX_HEIGHT - 1}" rx="6"/>'
    return frame + _text(x + 10, y + 17, name) + _text(x + 10, y + 32, told, "head")


def _arrow(name: str, start: int, end: int) -> str:
    y, to = start + BOX_HEIGHT // 2, end + BOX_HEIGHT // 2
    left, right = BOX_WIDTH + 2, WIDTH - BOX_WIDTH - 2
    bend = (right - left) // 2
    line = f'<path d="M{left} {y} C{left + bend} {y} {right - ARROW - bend} {to} {right - ARROW} {to}"/>'
    tip = f'<polygon points="{right},{to} {right - ARROW},{to - 4} {right - ARROW},{to + 4}"/>'
    return f'<g class="{escape(name)}">{line}{tip}</g>'
