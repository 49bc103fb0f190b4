"""The replicas pane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult

from chtui.screens.pane import PaneScreen
from chtui.views.table import Link
from chtui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from chtui.monitor.scheduler import Want
    from chtui.monitor.snapshot import Snapshot


class ReplicasScreen(PaneScreen):
    """Shards and replicas of the cluster, one row a host; enter opens a host."""

    CSS_PATH = ["pane.tcss", "replicas.tcss"]
    TITLE = "replicas"

    def compose_body(self) -> ComposeResult:
        """Build the table; its columns come with the first view, which is built after the first paint."""
        yield RowTable((), frozen=2, id="replicas")

    def wants(self) -> tuple[Want, ...]:
        """Return the probes of the pane."""
        from chtui.views import replicas

        return replicas.WANTS

    def builder(self) -> Callable[[Snapshot], Any]:
        """Return what builds the table."""
        from chtui.views import pages
        from chtui.views.panes import page

        table, part = self.query_one(RowTable), page("replicas").parts[0]
        return lambda snapshot: table.prepared(pages.table(part, snapshot, ()))

    def draw(self, view: Any) -> None:
        """Draw the table."""
        self.query_one(RowTable).show(view)

    @on(RowTable.Opened)
    def open_host(self, message: RowTable.Opened) -> None:
        """Show one host."""
        message.stop()
        self.app.open_link(Link("host", (message.key,)))
