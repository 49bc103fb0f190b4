"""Labelled values in as many columns as fit."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from chtui.views.pieces import Figure
from chtui.widgets.status_bar import STYLES

LABEL_WIDTH, VALUE_WIDTH = 19, 20


class Figures(Static):
    """A grid of figures, read down the columns."""

    DEFAULT_CSS = """
    Figures { height: auto; max-height: 10; padding: 0 1; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self._figures: tuple[Figure, ...] = ()
        self._height = 0

    def show(self, figures: tuple[Figure, ...]) -> None:
        """Draw other figures, if they are others."""
        if figures != self._figures:
            self._figures = figures
            self._draw()

    def on_resize(self) -> None:
        """Use the columns there are now."""
        self._draw()

    def _draw(self) -> None:
        columns = max(1, self.size.width // (LABEL_WIDTH + VALUE_WIDTH))
        height = -(-len(self._figures) // columns) if self._figures else 0
        lines = [
            Content("").join([_drawn(figure) for figure in self._figures[row::height]])
            for row in range(height)
        ]
        # Only another number of lines needs another layout.
        self.update(Content("\n").join(lines), layout=height != self._height)
        self._height = height


def _drawn(figure: Figure) -> Content:
    value = figure.value if len(figure.value) < VALUE_WIDTH else figure.value[: VALUE_WIDTH - 2] + "~"
    return Content.styled(f"{figure.label:<{LABEL_WIDTH}}", "dim") + Content.styled(
        f"{value:<{VALUE_WIDTH}}", STYLES[figure.style]
    )
