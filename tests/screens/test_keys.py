from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from chtui.app import ChtuiApp
from chtui.records import HostStatus
from chtui.screens.host import HostScreen
from chtui.widgets.dialogs import TextDialog
from chtui.widgets.prompt import Prompt
from chtui.widgets.row_table import RowTable
from chtui.widgets.status_bar import Banner
from tests.screens.still import HOSTS, StillSession, fixed_snapshot, settled, with_detail
from tests.support import replace


@asynccontextmanager
async def console(
    size: tuple[int, int] = (100, 30),
) -> AsyncIterator[tuple[ChtuiApp, StillSession, Pilot[int]]]:
    session = StillSession(with_detail(fixed_snapshot()))
    app = ChtuiApp(lambda: session)
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(app, pilot)
        yield app, session, pilot


def table(app: ChtuiApp) -> RowTable:
    return app.screen.query(RowTable).first()


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        (("j",), 1),
        (("down", "down"), 2),
        (("j", "j", "k"), 1),
        (("down", "up"), 0),
        (("G",), 3),
        (("end",), 3),
        (("G", "g"), 0),
        (("G", "home"), 0),
        (("pagedown",), 3),
        (("ctrl+f", "ctrl+b"), 0),
        (("G", "pageup"), 0),
    ],
)
async def test_the_cursor_moves(keys: tuple[str, ...], row: int) -> None:
    async with console() as (app, _, pilot):
        await pilot.press(*keys)
        await pilot.pause()
        assert table(app).row_index == row


async def test_sorting_by_the_column_under_the_cursor() -> None:
    async with console() as (app, _, pilot):
        await pilot.press("l", "l", "right", "right", "S")  # LAG, largest first
        await pilot.pause()
        assert table(app).table.rows[0].key == str(HOSTS[1])
        await pilot.press("S")
        await pilot.pause()
        assert table(app).table.rows[0].key == str(HOSTS[0])
        await pilot.press("h", "left", "s")  # STATE, best first
        await pilot.pause()
        assert table(app).table.rows[-1].key == str(HOSTS[3])


async def test_marks_stay_on_their_rows_when_rows_move() -> None:
    async with console() as (app, session, pilot):
        await pilot.press("space", "space")
        session.become(replace(session.still, hosts=tuple(reversed(session.still.hosts))))
        await pilot.pause()
        assert table(app).marked == {str(HOSTS[0]), str(HOSTS[1])}
        row = table(app).row
        assert row is not None
        assert row.key == str(HOSTS[2]), "the cursor went down past the marks and stays on its host"


async def test_a_filter_is_live_and_esc_clears_it() -> None:
    async with console() as (app, _, pilot):
        await pilot.press("slash", *"shard2")
        await pilot.pause()
        assert len(table(app).table.rows) == 2
        await pilot.press("enter")
        await pilot.pause()
        assert not app.screen.query_one(Prompt).is_open
        await pilot.press("escape")
        await pilot.pause()
        assert len(table(app).table.rows) == 4


async def test_a_filter_that_is_no_expression_says_so_and_filters_nothing() -> None:
    async with console() as (app, _, pilot):
        await pilot.press("slash", "left_square_bracket", "enter")
        await pilot.pause()
        assert len(table(app).table.rows) == 4
        assert any("regular expression" in note.message for note in app._notifications)


async def test_an_inverted_filter() -> None:
    async with console() as (app, _, pilot):
        await pilot.press("slash", "exclamation_mark", *"shard2", "enter")
        await pilot.pause()
        assert {row.key for row in table(app).table.rows} == {str(HOSTS[0]), str(HOSTS[1])}


async def test_enter_opens_the_host_and_esc_and_q_lead_back() -> None:
    for key in ("escape", "q"):
        async with console() as (app, session, pilot):
            await pilot.press("enter")
            await pilot.pause()
            assert isinstance(app.screen, HostScreen)
            assert len(session.watches) == 1, "the pane below polls nothing"
            wanted = {want.host for _, wants in session.watches.values() for want in wants}
            assert wanted == {HOSTS[0]}, "only the host that is shown is asked"
            await pilot.press(key)
            await pilot.pause()
            assert not isinstance(app.screen, HostScreen)


async def test_tab_goes_from_table_to_table() -> None:
    async with console() as (app, _, pilot):
        await pilot.press("enter")
        await pilot.pause()
        seen = []
        for key in ("tab", "tab", "shift+tab"):
            await pilot.press(key)
            await pilot.pause()
            assert app.focused is not None
            seen.append(app.focused.id)
        assert seen == ["trouble", "tables", "trouble"]


@pytest.mark.parametrize("key", ["question_mark", "d"])
async def test_dialogs_open_scroll_and_close(key: str) -> None:
    async with console((80, 24)) as (app, _, pilot):
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(app.screen, TextDialog)
        await pilot.press("j", "G", "g", "k", "pagedown", "escape")
        await pilot.pause()
        assert not isinstance(app.screen, TextDialog)


async def test_help_by_its_name() -> None:
    async with console() as (app, _, pilot):
        await pilot.press("colon", *"hel", "tab", "enter")
        await pilot.pause()
        assert isinstance(app.screen, TextDialog)


async def test_copying_the_cell_under_the_cursor() -> None:
    async with console() as (app, _, pilot):
        await pilot.press("j", "l", "y")
        await pilot.pause()
        assert app.clipboard == HOSTS[1].host_name


async def test_refresh_and_pause() -> None:
    async with console() as (_, session, pilot):
        await pilot.press("r")
        await pilot.pause()
        assert session.refreshed == 1
        await pilot.press("p")
        await pilot.pause()
        assert session.still.paused
        await pilot.press("p")
        await pilot.pause()
        assert not session.still.paused


@pytest.mark.parametrize(
    ("keys", "code"),
    [(("Q",), 0), (("ctrl+c",), 130), (("colon", "q", "enter"), 0), (("colon", *"quit", "enter"), 0)],
)
async def test_leaving(keys: tuple[str, ...], code: int) -> None:
    async with console() as (app, _, pilot):
        await pilot.press(*keys)
        await pilot.pause()
        assert app.return_value == code


async def test_a_pane_by_key_and_by_name() -> None:
    for keys in (("2",), ("colon", *"replicas", "enter")):
        async with console() as (app, _, pilot):
            await pilot.press("enter")
            await pilot.pause()
            await pilot.press(*keys)
            await pilot.pause()
            assert app.current_mode == "replicas"
            assert len(app.screen_stack) == 1


async def test_a_theme_by_name_and_an_unknown_one() -> None:
    async with console() as (app, _, pilot):
        await pilot.press("colon", *"theme nord", "enter")
        await pilot.pause()
        assert app.theme == "nord"
        await pilot.press("colon", *"theme none", "enter")
        await pilot.pause()
        assert app.theme == "nord"
        assert any("no theme" in note.message for note in app._notifications)


async def test_the_palette_runs_a_command() -> None:
    async with console() as (app, session, pilot):
        await pilot.press("ctrl+p")
        await pilot.pause()
        await pilot.press(*"refresh")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause(0.5)
        assert session.refreshed == 1
        assert app.focused is not None


async def test_textuals_own_quit_key_is_unbound() -> None:
    async with console() as (app, _, pilot):
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert app.is_running
        assert app.return_value is None


async def test_hostile_names_are_drawn_and_obeyed_by_nobody() -> None:
    async with console((120, 30)) as (app, session, pilot):
        evil = "\x1b]0;owned\x07[/red]:smile:\u202e"
        hosts: tuple[HostStatus, ...] = (
            replace(session.still.hosts[0], error=evil),
            *session.still.hosts[1:],
        )
        session.become(replace(session.still, hosts=hosts, cluster=evil, error=evil))
        await pilot.pause()
        await pilot.press("y", "colon", *"[x", "enter")
        await pilot.pause()
        drawn = app.export_screenshot()
        assert "\x1b" not in drawn
        assert "[/red]:smile:" in drawn


async def test_a_view_that_cannot_be_built_is_said_and_the_rest_lives() -> None:
    async with console() as (app, session, pilot):
        for watch, _ in session.watches.values():
            watch.deliver(ValueError("boom [/x]"))
        await pilot.pause()
        assert "cannot be drawn" in str(app.screen.query_one(Banner).content)
        session.become(session.still)
        await pilot.pause()
        assert "cannot be drawn" not in str(app.screen.query_one(Banner).content)
