"""How a table's lines are drawn: titles, rows, and what stands there without any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip

from chtui.text import fit
from chtui.views.table import Arrangement, Row, Table

GAP = 2
"""Blanks between two columns."""
GUTTER = 1
"""Cells left of the first column, for marks."""


def offsets_of(table: Table) -> list[int]:
    """Return the left edges of all columns, and the right edge of the last."""
    return list(accumulate((width + GAP for width in table.widths), initial=GUTTER))


@dataclass(frozen=True)
class Painter:
    """Draws lines of one table, `width` cells wide, its moving columns shifted left by `scroll` cells."""

    table: Table
    frozen: int
    """How many columns do not move."""
    width: int
    scroll: int
    component: Callable[[str], RichStyle]
    """The theme's style of a component, only what it sets itself."""
    base: RichStyle

    def titles(self, arrangement: Arrangement, cursor: int | None) -> Strip:
        """Draw the titles; `cursor` is the column the cursor is in, None without focus."""
        segments: list[Segment] = []
        style, under = self.component("header"), self.component("header-cursor")
        for index, (column, width) in enumerate(zip(self.table.columns, self.table.widths, strict=True)):
            sign = ("v" if arrangement.reverse else "^") if column.key == arrangement.sort else ""
            title = fit(column.title + sign, width, column.right)
            segments.extend((Segment(title, under if index == cursor else style), Segment(" " * GAP, style)))
        return self._line(Segment(" " * GUTTER, style), segments)

    def row(self, row: Row, marked: bool, cursor: int | None) -> Strip:
        """Draw a row; `cursor` is the column the cursor is in, None if it is in another row."""
        under = self.component("cursor") if cursor is not None else RichStyle.null()
        mark = Segment("*" if marked else " ", self.component("mark") + under)
        segments: list[Segment] = []
        for place, (cell, column, width) in enumerate(
            zip(row.cells, self.table.columns, self.table.widths, strict=True)
        ):
            style = self.component(cell.style) if cell.style else self.base
            style += self.component("cell-cursor") if place == cursor else under
            segments.extend(
                (Segment(fit(cell.text, width, column.right), style), Segment(" " * GAP, self.base + under))
            )
        return self._line(mark, segments, under)

    def words(self, text: str) -> Strip:
        """Draw what is said instead of rows."""
        return self._line(Segment(" " * GUTTER), [Segment(text, self.component("muted"))], frozen=0)

    def _line(
        self,
        gutter: Segment,
        segments: list[Segment],
        fill: RichStyle | None = None,
        frozen: int | None = None,
    ) -> Strip:
        fixed = 2 * (self.frozen if frozen is None else frozen)
        left = Strip([gutter, *segments[:fixed]])
        scroll = self.scroll if fixed else 0
        right = Strip(segments[fixed:]).crop(scroll, scroll + max(0, self.width - left.cell_length))
        style = self.base + fill if fill else self.base
        return Strip.join([left, right]).adjust_cell_length(self.width, style).apply_style(self.base)
