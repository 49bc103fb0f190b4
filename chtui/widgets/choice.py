"""A short list to choose one line from."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from chtui import commands
from chtui.text import sanitize
from chtui.views.table import Cell, Column, Row, Table
from chtui.widgets.row_table import RowTable


class Choice(ModalScreen[int | None], inherit_bindings=False):
    """Some lines in a frame; enter gives the index of one, esc gives None."""

    # The app's own bindings do not reach a modal screen.
    BINDINGS = commands.bindings()

    DEFAULT_CSS = """
    Choice { align: center middle; background: $background 60%; }
    Choice > Vertical {
        width: 60; max-width: 90%; height: auto; max-height: 80%;
        border: round $primary; background: $surface; padding: 0 1;
    }
    Choice RowTable { max-height: 16; }
    Choice .foot { color: $text-muted; height: 1; }
    Choice:ansi { background: ansi_default; }
    Choice:ansi > Vertical { background: ansi_default; border: round ansi_default; }
    """

    def __init__(self, title: str, lines: tuple[str, ...]) -> None:
        super().__init__()
        self._title = title
        self._lines = tuple(sanitize(line, 200) for line in lines)

    def compose(self) -> ComposeResult:
        """Build the list."""
        with Vertical():
            yield RowTable((Column("line", self._title.upper(), max_width=200),), id="choice")
            yield Static("j k move  enter choose  esc leave", markup=False, classes="foot")

    def on_mount(self) -> None:
        """Show the lines."""
        table = self.query_one(RowTable)
        table.styles.height = len(self._lines) + 1
        rows = tuple(Row(str(index), (Cell(line),)) for index, line in enumerate(self._lines))
        table.show(table.prepared(Table((Column("line", self._title.upper(), max_width=200),), rows)))
        table.focus()

    @on(commands.Back)
    def _leave(self, command: commands.Back) -> None:
        command.stop()
        self.dismiss(None)

    @on(RowTable.Opened)
    def _choose(self, message: RowTable.Opened) -> None:
        message.stop()
        self.dismiss(int(message.key))
