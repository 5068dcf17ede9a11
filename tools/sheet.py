"""Words, boxes and arrows of a picture in SVG: the same calls, the same bytes."""

from dataclasses import dataclass, field
from typing import Final

INK: Final = "#222"
WIDTH: Final = 1000


@dataclass
class Sheet:
    """A picture as it grows; places are in pixels from the top left."""

    height: int
    label: str
    parts: list[str] = field(default_factory=list)

    def text(
        self, x: float, y: float, words: str, *, colour: str = INK, size: int = 13, anchor: str = "start",
        bold: bool = False, code: bool = False,
    ) -> None:  # fmt: skip
        """Write words on the base line y."""
        weight = ' font-weight="bold"' if bold else ""
        family = ' font-family="monospace"' if code else ""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" fill="{colour}" font-size="{size}" text-anchor="{anchor}"{weight}{family}>'
            f"{words}</text>"
        )

    def box(
        self, x: float, y: float, width: float, height: float, *, fill: str = "white", edge: str = INK, round_: int = 0
    ) -> None:
        """Draw a rectangle."""
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_}" fill="{fill}" '
            f'stroke="{edge}"/>'
        )

    def line(self, *points: tuple[float, float], colour: str = INK, dashed: bool = False, head: bool = True) -> None:
        """Draw a line through points, with an arrow's head at its end."""
        path = "L".join(f"{x:g} {y:g}" for x, y in points)
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self.parts.append(f'<path d="M{path}" stroke="{colour}" stroke-width="1.4" fill="none"{dash}/>')
        if head:
            (from_x, from_y), (x, y) = points[-2:]
            length = ((x - from_x) ** 2 + (y - from_y) ** 2) ** 0.5
            along, across = (
                ((x - from_x) / length, (y - from_y) / length),
                ((y - from_y) / length, (from_x - x) / length),
            )
            left, right = (
                (x - 8 * along[0] + side * across[0], y - 8 * along[1] + side * across[1]) for side in (3.6, -3.6)
            )
            self.parts.append(
                f'<path d="M{x:g} {y:g}L{left[0]:.1f} {left[1]:.1f}L{right[0]:.1f} {right[1]:.1f}Z" fill="{colour}"/>'
            )

    def polygon(self, *points: tuple[float, float], fill: str) -> None:
        """Fill an area."""
        self.parts.append(f'<path d="M{"L".join(f"{x:g} {y:g}" for x, y in points)}Z" fill="{fill}"/>')

    def svg(self) -> str:
        """Return the picture."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" font-family="sans-serif" '
            f'role="img" aria-label="{self.label}">'
        )
        paper = f'<rect width="{WIDTH}" height="{self.height}" fill="white"/>'
        return "\n".join([head, paper, *self.parts, "</svg>", ""])
