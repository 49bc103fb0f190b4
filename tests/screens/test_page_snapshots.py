"""Every pane as it is drawn, on records that never change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chtui.app import ChtuiApp
from chtui.profile.model import Ui
from chtui.screens.page import PageScreen
from chtui.views.panes import page
from chtui.views.table import Link
from tests.screens.panes_still import with_panes
from tests.screens.still import StillSession, settled
from tests.screens.test_pages import drawn
from tests.screens.test_snapshots import SIZES, snap
from tests.support import replace

__all__ = ["snap"]

PARTS = (
    "queues.groups", "queues.sends", "tables.tables", "tables.detached", "storage.disks", "storage.policies",
    "queries.running", "queries.patterns", "merges.merges", "merges.mutations", "merges.throughput", "keeper.members",
    "keeper.sessions",
)  # fmt: skip


def app_on(name: str, part_name: str) -> ChtuiApp:
    part = page(name).part(part_name)
    assert part is not None
    return ChtuiApp(lambda: StillSession(with_panes(part.wants(()))), Ui(default_pane=name))


@SIZES
@pytest.mark.parametrize("part", PARTS)
async def test_pane(snap: Callable[[ChtuiApp, str], bool], size: tuple[int, int], part: str) -> None:
    name, _, part_name = part.partition(".")
    app = app_on(name, part_name)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(app, pilot)
        assert isinstance(app.screen, PageScreen)
        app.screen.show_part(part_name)
        await drawn(app, pilot)
        assert snap(app, f"{part} {size[0]}x{size[1]}")


@SIZES
async def test_znode(snap: Callable[[ChtuiApp, str], bool], size: tuple[int, int]) -> None:
    link = Link("znode", ("/clickhouse/tables",))
    app = ChtuiApp(lambda: StillSession(with_panes(page("znode").parts[0].wants(link.subject))))
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(app, pilot)
        app.open_link(link)
        await pilot.pause()
        await drawn(app, pilot)
        assert snap(app, f"znode {size[0]}x{size[1]}")


async def test_armed(snap: Callable[[ChtuiApp, str], bool]) -> None:
    part = page("queries").parts[0]
    given = replace(with_panes(part.wants(())), armed_seconds=540.0)
    app = ChtuiApp(lambda: StillSession(given), Ui(default_pane="queries"))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(app, pilot)
        assert snap(app, "armed 80x24")
