"""Changes to servers: arming, the question whether a plan is to be run, and how its run goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.message import Message

from chtui import commands
from chtui.app.switching import Switching
from chtui.errors import ChtuiError, UsageError
from chtui.text import plural

if TYPE_CHECKING:
    from chtui.act.plans import Plan
    from chtui.act.progress import Progress
    from chtui.session import Session


class Acting(Switching, inherit_bindings=False):
    """What the app does about `:write`, `:kill` and the plans of panes."""

    class RunEnded(Message):
        """A run whose dialog was closed has ended; may be posted from any thread."""

        def __init__(self, progress: Progress) -> None:
            super().__init__()
            self.progress = progress

    @on(commands.Write)
    def _write(self, command: commands.Write) -> None:
        from chtui.act.arming import parse_minutes

        session = self.session
        if session is None:
            return
        try:
            minutes = parse_minutes(command.argument)
            if minutes:
                session.arming.arm(session.snapshot.cluster, minutes)
            else:
                session.arming.disarm()
        except UsageError as error:
            self._tell(error.line, is_error=True)
            return
        session.touch()
        cluster = session.snapshot.cluster
        self._tell(f"{cluster} is armed for {plural(minutes, 'minute')}" if minutes else "read-only again")

    def confirm(self, plan: Plan) -> None:
        """Ask whether a plan is to be run, and run it then; says why it may not be."""
        from chtui.widgets.act_dialogs import ConfirmPlan

        session = self.session
        if session is None:
            return
        try:
            session.arming.require(plan.cluster)
        except UsageError as error:
            self._tell(error.line, is_error=True)
            return

        def answered(is_yes: bool | None) -> None:
            if is_yes:
                self._run(session, plan)

        self.push_screen(ConfirmPlan(plan), answered)

    def _run(self, session: Session, plan: Plan) -> None:
        from chtui.widgets.act_dialogs import PlanProgress

        addresses = {status.id: status.address for status in session.snapshot.hosts}
        shown: list[PlanProgress] = []
        closed: list[bool] = []

        def told(progress: Progress) -> None:
            # In the run's threads, which must not wait for the screen.
            if not shown:
                return  # The dialog will begin with whatever is known then.
            if not closed:
                shown[0].post_message(PlanProgress.Moved(progress))
            elif progress.is_over:
                self.post_message(self.RunEnded(progress))

        try:
            run = session.executor.run(plan, addresses, told)
        except ChtuiError as error:
            self._tell(error.line, is_error=True)
            return
        dialog = PlanProgress(run.progress)
        self.push_screen(dialog, lambda _: closed.append(True))
        shown.append(dialog)
        dialog.show(run.progress)

    @on(RunEnded)
    def _run_ended(self, message: RunEnded) -> None:
        self._tell(message.progress.summary, is_error=not message.progress.is_good)

    @on(commands.Kill)
    def _kill(self, command: commands.Kill) -> None:
        from chtui.views.queries import kill_by_predicate

        session = self.session
        if session is None:
            return
        if not any(
            session.snapshot.sample(status.id, "running_queries") for status in session.snapshot.hosts
        ):
            self._tell("running queries are asked while the queries pane is open: look first, then kill")
            self.post_message(commands.OpenQueries())
            return
        try:
            self.confirm(kill_by_predicate(session.snapshot, command.argument))
        except UsageError as error:
            self._tell(error.line, is_error=True)
