"""All profiles, one row each; enter switches to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult

from chtui.errors import ChtuiError
from chtui.screens.pane import PaneScreen
from chtui.views import fleet
from chtui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from chtui.monitor.scheduler import Want
    from chtui.monitor.snapshot import Snapshot
    from chtui.session import Comparison


class FleetScreen(PaneScreen):
    """The clusters of all profiles beside each other."""

    CSS_PATH = ["pane.tcss", "page.tcss"]
    TITLE = "fleet"

    def __init__(self, comparison: Comparison) -> None:
        super().__init__()
        self._comparison = comparison

    def compose_body(self) -> ComposeResult:
        """Build the table."""
        yield RowTable(fleet.COLUMNS, id="fleet")

    def on_mount(self) -> None:
        """Begin to ask all profiles; the base class's own handler runs beside this one."""
        try:
            self._comparison.start()
        except ChtuiError as error:
            self.notify(error.line, severity="error", markup=False)

    def on_unmount(self) -> None:
        """Ask them no more."""
        self._comparison.stop()

    def wants(self) -> tuple[Want, ...]:
        """Return nothing: every profile has a session of its own."""
        return ()

    def builder(self) -> Callable[[Snapshot], Any]:
        """Return what builds the table, whatever the profile on screen has to say."""
        table, comparison = self.query_one(RowTable), self._comparison
        return lambda _: table.prepared(fleet.table(comparison.seen()))

    def draw(self, view: Any) -> None:
        """Draw the table."""
        self.query_one(RowTable).show(view)

    @on(RowTable.Opened)
    def _use(self, message: RowTable.Opened) -> None:
        message.stop()
        self.app.use_profile(message.key)
