"""A plot on screen."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from chtui.views.pieces import Piece
from chtui.views.plot import Plot, draw
from chtui.widgets.console import Console
from chtui.widgets.status_bar import STYLES


class PlotBox(Static):
    """Values over time; redrawn only when they change, or the width does."""

    DEFAULT_CSS = """
    PlotBox { height: 10; max-height: 40%; padding: 0 1; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self._plot: Plot | None = None

    def show(self, plot: Plot) -> None:
        """Draw another plot, if it is another."""
        if plot != self._plot:
            self._plot = plot
            self._draw()

    def on_resize(self) -> None:
        """Use the room there is now."""
        self._draw()

    def _draw(self) -> None:
        if self._plot is None or self.content_size.width < 20:
            return
        is_ascii = isinstance(self.app, Console) and self.app.is_ascii
        lines = draw(self._plot, self.content_size.width, self.content_size.height, is_ascii)
        drawn = [_line(pieces, index == 0) for index, pieces in enumerate(lines)]
        self.update(Content("\n").join(drawn), layout=False)


def _line(pieces: list[Piece], is_legend: bool) -> Content:
    styled = [Content.styled(piece.text, STYLES[piece.style]) for piece in pieces]
    return Content("  " if is_legend else "").join(styled)
