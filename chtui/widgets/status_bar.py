"""The lines around a pane: status on top with its banners, keys and position at the bottom."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from chtui.commands import REGISTRY
from chtui.views.pieces import Piece

SEPARATOR = "  "


class StyledLine(Static):
    """One line of styled pieces; what does not fit is left out from the end, whole pieces at a time."""

    DEFAULT_CSS = """
    StyledLine {
        height: 1;
        text-wrap: nowrap;
        text-overflow: ellipsis;
    }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self._pieces: tuple[Piece, ...] = ()

    def show(self, pieces: tuple[Piece, ...]) -> None:
        """Draw other pieces, if they are others."""
        if pieces != self._pieces:
            self._pieces = pieces
            self._draw()

    def on_resize(self) -> None:
        """Fit anew."""
        self._draw()

    def _draw(self) -> None:
        width, content = self.size.width, Content("")
        for index, piece in enumerate(self._pieces):
            lead = SEPARATOR if index else ""
            if index and content.cell_length + cell_len(lead + piece.text) > width:
                break
            content = content + Content(lead) + Content.styled(piece.text, STYLES[piece.style])
        # The line keeps its height: a new layout would send the whole screen again.
        self.update(content, layout=False)


STYLES = {
    "": "",
    "ok": "$text-success",
    "warning": "$text-warning",
    "critical": "bold $text-error",
    "muted": "dim",
    "accent": "bold $text-accent",
}
"""What a piece's style looks like."""


class StatusBar(StyledLine):
    """Cluster, hosts, state and cost, on top of every screen."""

    DEFAULT_CSS = """
    StatusBar { background: $panel; padding: 0 1; }
    StatusBar:ansi { background: ansi_default; text-style: bold; }
    """


class Banner(Static):
    """Lines that stay until their cause is gone; takes no room without any."""

    DEFAULT_CSS = """
    Banner { height: auto; max-height: 4; padding: 0 1; background: $boost; display: none; }
    Banner.-shown { display: block; }
    Banner:ansi { background: ansi_default; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self._banners: tuple[Piece, ...] = ()

    def show(self, banners: tuple[Piece, ...]) -> None:
        """Draw other lines, if they are others."""
        if banners != self._banners:
            self._banners = banners
            self.update(
                Content("\n").join(
                    [Content.styled(f"! {piece.text}", STYLES[piece.style]) for piece in banners]
                )
            )
            self.set_class(bool(banners), "-shown")


class KeyLine(StyledLine):
    """The keys of the screen and where the cursor is; the help and the palette know them all."""

    DEFAULT_CSS = """
    KeyLine { background: $panel; padding: 0 1; }
    KeyLine:ansi { background: ansi_default; }
    """

    def show_keys(self, place: str, filter_text: str, extra: tuple[Piece, ...] = ()) -> None:
        """Draw the place (`3/40`), the filter and the keys."""
        keys = tuple(
            Piece(f"{command.shown.split()[0]} {command.footer}", "muted")
            for command in REGISTRY.values()
            if command.footer
        )
        filtered = (Piece(f"/{filter_text}", "accent"),) if filter_text else ()
        self.show((Piece(place), *filtered, *extra, *keys))
