"""What the keys do on pages: parts, going on and back, marking all, copying, acting, other profiles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from chtui.app import ChtuiApp
from chtui.profile.model import Ui
from chtui.records import Sample
from chtui.screens.host import HostScreen
from chtui.screens.page import PageScreen
from chtui.views.panes import page
from chtui.widgets.act_dialogs import ConfirmPlan
from chtui.widgets.choice import Choice
from chtui.widgets.row_table import RowTable
from tests.screens.panes_still import records, with_panes
from tests.screens.still import HOSTS, NOW, StillSession, settled
from tests.support import replace


@asynccontextmanager
async def console(name: str, part_name: str = "") -> AsyncIterator[tuple[ChtuiApp, StillSession, Pilot[int]]]:
    part = page(name).part(part_name)
    assert part is not None
    session = StillSession(with_panes(part.wants(())))
    app = ChtuiApp(lambda: session, Ui(default_pane=name))
    async with app.run_test(size=(160, 50), notifications=True) as pilot:
        await settled(app, pilot)
        yield app, session, pilot


def on_page(app: ChtuiApp) -> PageScreen:
    assert isinstance(app.screen, PageScreen)
    return app.screen


async def drawn(app: ChtuiApp, pilot: Pilot[int]) -> None:
    """Wait until the page on screen has drawn its first view."""
    while not (app.screen.query(RowTable) and isinstance(app.screen, PageScreen) and app.screen.is_whole):
        await pilot.pause(0.01)
    await pilot.pause(0.05)


def notes(app: ChtuiApp) -> str:
    return " | ".join(note.message for note in app._notifications)


def wanted(session: StillSession) -> set[str]:
    return {want.probe for _, wants in session.watches.values() for want in wants}


async def test_only_the_part_on_screen_is_asked() -> None:
    async with console("keeper") as (app, session, pilot):
        assert wanted(session) == {"keeper_node", "zookeeper_connection"}
        await pilot.press("tab")
        await pilot.pause()
        assert on_page(app).title_word == "keeper sessions"
        assert wanted(session) == {"keeper_sessions", "zookeeper_connection"}
        await pilot.press("shift+tab", "shift+tab")
        await pilot.pause()
        assert on_page(app).title_word == "keeper hosts", "round the corner"


async def test_every_pane_has_its_key_and_leaves_the_last_one_alone() -> None:
    async with console("keeper") as (app, session, pilot):
        for key, name in zip("3457", ("queues", "tables", "storage", "merges"), strict=True):
            await pilot.press(key)
            await pilot.pause()
            await drawn(app, pilot)
            assert app.current_mode == name
            part = page(name).parts[0]
            assert wanted(session) == {want.probe for want in part.wants(())}


async def test_going_on_from_a_row_and_back() -> None:
    async with console("merges") as (app, _, pilot):
        await pilot.press("x")
        await pilot.pause()
        assert isinstance(app.screen, Choice)
        await pilot.press("escape")
        await pilot.pause()
        assert on_page(app).title_word == "merges merges"
        row = on_page(app).current_table.row
        assert row is not None
        host = next(index for index, (name, _) in enumerate(row.links) if name.startswith("host "))
        await pilot.press("x", *["j"] * host, "enter")
        await pilot.pause(0.1)
        assert isinstance(app.screen, HostScreen)
        await pilot.press("escape")
        await pilot.pause()
        assert on_page(app).title_word == "merges merges"


async def test_a_page_by_its_name() -> None:
    async with console("merges") as (app, _, pilot):
        for typed, said in (
            ("nosuch", "no page 'nosuch'"),
            ("tables.nosuch", "no part 'nosuch' of tables"),
            ("table otel", "table is about DATABASE TABLE"),
            ("host x", "no host 'x'"),
        ):
            app.run_typed(f"open {typed}")
            await pilot.pause()
            assert said in notes(app)
            assert on_page(app).title_word == "merges merges"
        app.run_typed("open table.columns otel_v2 traces_local")
        await pilot.pause()
        await drawn(app, pilot)
        assert on_page(app).title_word == "table columns"


async def test_marking_all_marks_what_passes_the_filter() -> None:
    async with console("merges") as (app, _, pilot):
        table = on_page(app).current_table
        everything = len(table.table.rows)
        await pilot.press("slash", *"logs", "enter")
        await pilot.pause()
        shown = {row.key for row in table.table.rows}
        assert 0 < len(shown) < everything
        await pilot.press("asterisk")
        await pilot.pause()
        assert table.marked == shown
        await pilot.press("asterisk")
        await pilot.pause()
        assert table.marked == frozenset()


async def test_the_rows_own_text_is_copied_whole() -> None:
    async with console("queries") as (app, _, pilot):
        row = on_page(app).current_table.row
        assert row is not None
        await pilot.press("Y")
        await pilot.pause()
        assert app.clipboard == row.copy
        assert len(row.copy) > 60


async def test_nothing_is_done_to_a_server_unless_it_is_armed() -> None:
    async with console("queries") as (app, session, pilot):
        await pilot.press("ctrl+d")
        await pilot.pause()
        assert "read-only: no cluster is armed" in notes(app)
        assert isinstance(app.screen, PageScreen)
        app.run_typed("write 5")
        await pilot.pause()
        assert session.arming.cluster == session.still.cluster
        await pilot.press("ctrl+d")
        await pilot.pause()
        assert isinstance(app.screen, ConfirmPlan)
        await pilot.press("escape")
        await pilot.pause()
        app.run_typed("write off")
        await pilot.pause()
        assert session.arming.cluster == ""
        await pilot.press("ctrl+d")
        await pilot.pause()
        assert isinstance(app.screen, PageScreen)


async def test_on_a_querys_page_the_query_itself_is_acted_on() -> None:
    async with console("queries") as (app, session, pilot):
        row = on_page(app).current_table.row
        assert row is not None
        assert row.link is not None
        query_id, host = row.link.subject[0], HOSTS[1]
        key = page("query").parts[0].wants(row.link.subject)[0].key
        made = records("query_processes", 0)[0]

        def become(**values: object) -> None:
            process = replace(made, query_id=query_id, **values)
            session.become(replace(session.still, samples={(host, key): Sample((process,), NOW)}))

        async def act() -> None:
            await pilot.press("ctrl+d")
            await pilot.pause()

        await pilot.press("enter")
        await pilot.pause()
        await drawn(app, pilot)
        assert on_page(app).title_word == "query summary"
        await act()
        assert "no host has told of this query" in notes(app)
        become()
        await act()
        assert "read-only: no cluster is armed" in notes(app)
        app.run_typed("write 5")
        await pilot.pause()
        for part in ("summary", "sql", "settings", "events"):
            on_page(app).show_part(part)
            await act()
            assert isinstance(app.screen, ConfirmPlan), part
            (step,) = app.screen.plan.steps
            assert (step.host, step.params) == (host, {"query_ids": [query_id]})
            await pilot.press("escape")
            await pilot.pause()
        become(user="", interface="Local")
        await act()
        assert isinstance(app.screen, ConfirmPlan)
        assert app.screen.plan.steps == ()
        assert [left.name for left in app.screen.plan.left_out] == [query_id]


async def test_a_part_without_an_action_says_so() -> None:
    async with console("merges") as (app, _, pilot):
        await pilot.press("ctrl+d")
        await pilot.pause()
        assert "nothing to act on" in notes(app)


async def test_minutes_that_are_none_arm_nothing() -> None:
    async with console("queries") as (app, session, pilot):
        for typed in ("write x", "write 0.5", "write 61", "write -1"):
            app.run_typed(typed)
            await pilot.pause()
            assert session.arming.cluster == ""
        assert "no number of minutes" in notes(app)


async def test_killing_by_predicate_asks_for_one_that_can_be_read() -> None:
    async with console("queries") as (app, session, pilot):
        app.run_typed("write 5")
        for typed, said in (("kill", "empty predicate"), ("kill nosuch=1", "no field 'nosuch'")):
            app.run_typed(typed)
            await pilot.pause()
            assert said in notes(app)
        assert session.arming.cluster


async def test_without_other_profiles_there_is_nothing_to_switch_to() -> None:
    async with console("merges") as (app, _, pilot):
        for typed in ("fleet", "profile other"):
            app.run_typed(typed)
            await pilot.pause()
        assert "there is only this profile" in notes(app)
        app.run_typed("cluster nosuch")
        await pilot.pause()
        assert "no cluster 'nosuch'; there are: appsentry_cluster" in notes(app)


async def test_what_is_asked_on_demand_waits_for_enter() -> None:
    key = page("query").part("explain")
    assert key is not None
    async with console("queries") as (app, session, pilot):
        app.run_typed("open query.explain abc")
        await pilot.pause()
        await drawn(app, pilot)
        assert wanted(session) == set()
        assert "press enter to ask" in on_page(app).current_table.table.empty
        await pilot.press("enter")
        await pilot.pause()
        assert wanted(session) == {"query_explain"}
