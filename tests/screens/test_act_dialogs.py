"""The dialogs of changes: what they show, and which keys run a plan and which do not."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from chtui.act.kill import Candidate, kill_plan
from chtui.act.plans import Plan
from chtui.act.progress import HostProgress, Progress, Stage, Verified
from chtui.app import ChtuiApp
from chtui.records import HostId
from chtui.widgets.act_dialogs import ConfirmPlan, PlanProgress
from tests.screens.still import NOW, StillSession, fixed_snapshot, settled
from tests.support import replace, wait_until

A, B = HostId("ch1", 9000), HostId("ch2", 9000)
SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=["80x24", "160x50"])


def queries(count: int = 2) -> list[Candidate]:
    """Running queries with names nobody should draw as they are."""
    made = [
        Candidate(
            (A, B)[number % 2], f"q{number}", f"q{number}", "app", "HTTP", "SELECT [bold]\x1b[31m 1", 60.0
        )
        for number in range(count)
    ]
    return [*made, Candidate(A, "own", "own", "", "Local", "INSERT", 9.0)]


def plan_of(count: int = 2) -> Plan:
    """A plan to kill some of them."""
    return kill_plan("c", queries(count))


def destructive() -> Plan:
    """A plan that needs a name typed."""
    made = plan_of()
    return Plan(
        "c", "drop it", "drop", made.steps, made.targets, "e", "v", is_destructive=True, typed_name="db.table"
    )


def text(screen: Any) -> str:
    """Every word of a dialog."""
    return "\n".join(str(static.content) for static in screen.query(Static))


async def opened(app: ChtuiApp, pilot: Pilot[int], plan: Plan) -> list[bool | None]:
    """Open the dialog; what it is left with is put into the list."""
    await settled(app, pilot)
    answers: list[bool | None] = []
    app.push_screen(ConfirmPlan(plan), answers.append)
    await pilot.pause()
    return answers


def console() -> ChtuiApp:
    """A console whose session stands still."""
    return ChtuiApp(lambda: StillSession(fixed_snapshot()))


@SIZES
@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (("enter",), None),
        (("enter", "space", "ctrl+d", "r", "p", "1", "2", "slash", "colon"), None),
        (("j", "G", "k", "y"), True),
        (("y",), True),
        (("n",), False),
        (("q",), False),
        (("escape",), False),
    ],
)
async def test_only_y_runs_a_plan(size: tuple[int, int], keys: tuple[str, ...], answer: bool | None) -> None:
    app = console()
    async with app.run_test(size=size) as pilot:
        answers = await opened(app, pilot, plan_of())
        await pilot.press(*keys)
        await pilot.pause()
        assert answers == ([] if answer is None else [answer])
        assert isinstance(app.screen, ConfirmPlan) is (answer is None)


async def test_the_dialog_shows_what_is_sent_and_what_is_left_out() -> None:
    app, plan = console(), plan_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot, plan)
        shown = text(app.screen)
        for step in plan.steps:
            assert step.text in shown
        for part in (
            "kill 2 queries on 2 hosts",
            "cluster c",
            "ch1:9000",
            "q0  app 1m SELECT [bold]?[31m 1",
            "own: the server's own",
            plan.expected,
            plan.verified_by,
        ):
            assert part in shown
        assert "\x1b" not in shown


async def test_a_plan_without_steps_cannot_be_run() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        answers = await opened(app, pilot, plan_of(0))
        await pilot.press("y", "enter")
        assert answers == []
        assert "nothing can be done" in text(app.screen)
        await pilot.press("q")
        assert answers == [False]


async def test_the_foot_says_when_there_is_more_to_read() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, pilot, plan_of(30))
        await pilot.pause(0.1)
        assert "more below" in text(app.screen)
        await pilot.press("G")
        await pilot.pause(0.1)
        assert "more below" not in text(app.screen)
        await pilot.press("escape")
    app = console()
    async with app.run_test(size=(160, 50)) as pilot:
        await opened(app, pilot, plan_of())
        await pilot.pause(0.1)
        assert "more below" not in text(app.screen)


@pytest.mark.parametrize("typed", ["", "y", "db.tabl", "DB.TABLE", "db.table "])
async def test_something_else_than_the_name_runs_nothing(typed: str) -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        answers = await opened(app, pilot, destructive())
        await pilot.press(*typed, "enter")
        await pilot.pause()
        assert answers == []
        assert "that is not the name" in text(app.screen)
        await pilot.press("escape")
        assert answers == [False]


async def test_the_typed_name_runs_a_destructive_plan() -> None:
    app = console()
    async with app.run_test(size=(80, 24)) as pilot:
        answers = await opened(app, pilot, destructive())
        assert "This cannot be undone." in text(app.screen)
        await pilot.press(*"query")
        assert app.screen.query_one(Input).value == "query"
        await pilot.press("ctrl+u", *"db.table", "enter")
        await pilot.pause()
        assert answers == [True]


async def test_progress_is_drawn_as_it_comes_and_leaving_it_waits_for_nothing() -> None:
    app, plan = console(), plan_of()
    first = Progress(plan, NOW, tuple(HostProgress(host, 1) for host in plan.hosts))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(app, pilot)
        dialog = PlanProgress(first)
        app.push_screen(dialog)
        await pilot.pause()
        assert "pending" in text(dialog)
        assert "esc close, the run goes on" in text(dialog)
        gone = replace(first.hosts[0], stage=Stage.DONE, verified=Verified.SEEN, gone=("q0",), is_over=True)
        lost = replace(
            first.hosts[1], stage=Stage.UNKNOWN, why="no answer within 10 s", verified=Verified.UNKNOWN,
            left=("q1",), verified_why="no answer within 5 s", is_over=True,
        )  # fmt: skip
        dialog.post_message(PlanProgress.Moved(replace(first, hosts=(gone, lost))))
        await pilot.pause()
        shown = text(dialog)
        for part in (
            "verified: 1 gone, 0 still running",
            "unknown  no answer within 10 s",
            "could not be verified: no answer within 5 s",
            "not known: q1",
            "over, not all went well",
        ):
            assert part in shown
        await pilot.press("escape")
        wait_until(lambda: app.screen is not dialog, 5)
