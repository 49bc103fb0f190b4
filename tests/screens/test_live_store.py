from __future__ import annotations

from chtui.app import ChtuiApp
from chtui.session import Session
from chtui.views import host as host_view
from chtui.views import replicas
from chtui.widgets.row_table import RowTable
from tests.screens.still import StillSession, settled
from tests.support import ModernRig


async def test_a_store_filled_from_live_servers_is_drawn(modern: ModernRig) -> None:
    session = Session(modern.effective())
    wants = [*replicas.WANTS, *host_view.wants(next(iter(session.collect(replicas.WANTS, 20).hosts)).id)]
    snapshot = Session(modern.effective()).collect(wants, 20)
    app = ChtuiApp(lambda: StillSession(snapshot))
    async with app.run_test(size=(160, 50), notifications=True) as pilot:
        await settled(app, pilot)
        rows = app.screen.query_one(RowTable).table.rows
        assert [row.cells[0].text for row in rows] == ["1/1", "1/2", "2/1", "2/2"]
        assert {row.cells[2].text for row in rows} == {"up"}
        await pilot.press("enter")
        await pilot.pause()
        names = {row.key for row in app.screen.query_one("#tables", RowTable).table.rows}
        assert {"otel.traces", "otel.logs", "otel.metrics"} <= names
