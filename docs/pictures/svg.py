"""Shapes of an SVG picture, as SVG elements in text form."""

from html import escape

INK, GREY, PALE = "#1f2933", "#616e7c", "#e4e7eb"
BLUE, ORANGE, GREEN, PURPLE = "#2b7bba", "#b45309", "#0a7f61", "#8d4a86"
PALE_BLUE, PALE_ORANGE, PALE_GREEN, PALE_PURPLE = "#e3f0fa", "#fdf0dd", "#e0f4ec", "#f5e8f3"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


def document(width: float, height: float, title: str, shapes: list[str]) -> str:
    """Return a picture on a white card, which is readable on light and dark pages.

    Args:
        width: Width in pixels.
        height: Height in pixels.
        title: Description of the picture for screen readers.
        shapes: Shapes in the order in which they are drawn.
    """
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
            f' width="{width:g}" height="{height:g}" role="img" font-family="{FONT}">',
            f"<title>{escape(title)}</title>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
            f' markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="{INK}"/></marker>'
            "</defs>",
            rect(0, 0, width, height, fill="#ffffff", radius=8),
            *shapes,
            "</svg>\n",
        ]
    )


def rect(
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    fill: str = PALE,
    edge: str = "none",
    radius: float = 4,
) -> str:
    """Return a rectangle with round corners."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"'
        f' fill="{fill}" stroke="{edge}"/>'
    )


def text(
    x: float,
    y: float,
    content: str,
    *,
    size: float = 13,
    fill: str = INK,
    anchor: str = "start",
    bold: bool = False,
) -> str:
    """Return a line of text whose baseline is at ``y``."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{fill}"'
        f' text-anchor="{anchor}"{weight}>{escape(content)}</text>'
    )


def line(
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    *,
    colour: str = INK,
    width: float = 1.3,
    dashed: bool = False,
    arrow: bool = False,
) -> str:
    """Return a straight line, optionally with an arrowhead at its end."""
    dashes = ' stroke-dasharray="4 4"' if dashed else ""
    head = ' marker-end="url(#head)"' if arrow else ""
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}"'
        f' stroke-width="{width:g}"{dashes}{head}/>'
    )


def badge(x: float, y: float, number: int, *, fill: str = BLUE) -> str:
    """Return a number in a disc that is centred at a point."""
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="10" fill="{fill}"/>'
        f"{text(x, y + 4.5, str(number), size=13, fill='#ffffff', anchor='middle', bold=True)}"
    )


def polyline(points: list[tuple[float, float]], *, colour: str = INK, width: float = 2) -> str:
    """Return a line through points."""
    return (
        f'<polyline points="{_joined(points)}" fill="none" stroke="{colour}"'
        f' stroke-width="{width:g}" stroke-linejoin="round"/>'
    )


def polygon(points: list[tuple[float, float]], *, fill: str, opacity: float = 1) -> str:
    """Return a filled polygon without an edge."""
    return f'<polygon points="{_joined(points)}" fill="{fill}" fill-opacity="{opacity:g}"/>'


def _joined(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
