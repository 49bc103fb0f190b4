from __future__ import annotations

from collections.abc import Callable

import pytest
from syrupy.assertion import SnapshotAssertion

from chtui.app import ChtuiApp
from tests.conftest import SvgInTopFolder
from tests.screens.still import StillSession, fixed_snapshot, settled, with_detail
from tests.support import replace

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=["80x24", "160x50"])


@pytest.fixture
def snap(snapshot: SnapshotAssertion) -> Callable[[ChtuiApp, str], bool]:
    def matches(app: ChtuiApp, name: str) -> bool:
        return bool(snapshot(name=name, extension_class=SvgInTopFolder) == app.export_screenshot(title=name))

    return matches


@SIZES
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("replicas", ()),
        ("replicas sorted", ("l", "l", "l", "l", "l", "l", "S")),
        ("replicas filtered", ("slash", "s", "h", "a", "r", "d", "2", "enter")),
        ("replicas marked", ("space", "space", "j")),
        ("help", ("question_mark",)),
        ("palette", ("ctrl+p",)),
        ("row detail", ("j", "j", "d")),
        ("command line", ("colon", "r", "e")),
        ("host", ("enter",)),
    ],
)
async def test_screen(
    snap: Callable[[ChtuiApp, str], bool], size: tuple[int, int], name: str, keys: tuple[str, ...]
) -> None:
    app = ChtuiApp(lambda: StillSession(with_detail(fixed_snapshot())))
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(app, pilot)
        await pilot.press(*keys)
        await pilot.pause()
        assert snap(app, f"{name} {size[0]}x{size[1]}")


@SIZES
async def test_blind_user(snap: Callable[[ChtuiApp, str], bool], size: tuple[int, int]) -> None:
    fixed = fixed_snapshot()
    hosts = tuple(replace(status, sees_all_tables=False) for status in fixed.hosts)
    app = ChtuiApp(lambda: StillSession(replace(fixed, hosts=hosts)))
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(app, pilot)
        assert snap(app, f"blind user {size[0]}x{size[1]}")


@SIZES
@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light", "textual-light"])
async def test_theme(snap: Callable[[ChtuiApp, str], bool], size: tuple[int, int], theme: str) -> None:
    app = ChtuiApp(lambda: StillSession(fixed_snapshot()))
    async with app.run_test(size=size, notifications=True) as pilot:
        app.theme = theme
        await settled(app, pilot)
        assert snap(app, f"replicas in {theme} {size[0]}x{size[1]}")


async def test_no_cluster(snap: Callable[[ChtuiApp, str], bool]) -> None:
    lost = replace(fixed_snapshot(), cluster="", hosts=(), samples={}, error="db1:8123: connection refused")
    app = ChtuiApp(lambda: StillSession(lost))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(app, pilot)
        assert snap(app, "no cluster 80x24")


async def test_too_small(snap: Callable[[ChtuiApp, str], bool]) -> None:
    app = ChtuiApp(lambda: StillSession(fixed_snapshot()))
    async with app.run_test(size=(20, 5), notifications=True) as pilot:
        await settled(app, pilot)
        assert snap(app, "too small 20x5")
