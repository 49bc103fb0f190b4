"""The detail of one host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import on
from textual.app import ComposeResult

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.screens.pane import PaneScreen
from chtui.views import host as host_view
from chtui.widgets.figures import Figures
from chtui.widgets.row_table import RowTable
from chtui.widgets.status_bar import StyledLine


class HostScreen(PaneScreen):
    """One host: figures, errors and warnings, tables; tab goes from one table to the other."""

    CSS_PATH = ["pane.tcss", "host.tcss"]
    TITLE = "host"

    def __init__(self, key: str) -> None:
        super().__init__()
        self._host = host_view.parse_host(key)

    def compose_body(self) -> ComposeResult:
        """Build heading, figures and the two tables."""
        yield StyledLine(id="heading")
        yield Figures(id="figures")
        yield RowTable(host_view.TABLE_COLUMNS, id="tables")
        yield RowTable(host_view.TROUBLE_COLUMNS, id="trouble")

    def wants(self) -> tuple[Want, ...]:
        """Return the probes of the detail, on this host only."""
        return host_view.wants(self._host)

    def builder(self) -> Callable[[Snapshot], Any]:
        """Return what builds the detail."""
        tables, trouble = self.query_one("#tables", RowTable), self.query_one("#trouble", RowTable)

        def build(snapshot: Snapshot) -> Any:
            view = host_view.view(snapshot, self._host)
            return view, tables.prepared(view.tables), trouble.prepared(view.trouble)

        return build

    def draw(self, view: Any) -> None:
        """Draw the detail."""
        detail, tables, trouble = view
        self.query_one("#heading", StyledLine).show(detail.heading)
        self.query_one(Figures).show(detail.figures)
        self.query_one("#tables", RowTable).show(tables)
        self.query_one("#trouble", RowTable).show(trouble)

    @on(RowTable.Opened)
    def open_table(self, message: RowTable.Opened) -> None:
        """Show a table: the replicas of a Replicated one, of another what it holds."""
        message.stop()
        row = message.table.row
        if row is not None and row.link is not None:
            self.app.open_link(row.link)
