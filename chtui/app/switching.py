"""Other profiles and clusters: leaving one session for another while the console stays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import on

from chtui import commands
from chtui.errors import ChtuiError
from chtui.screens.pane import PaneScreen
from chtui.text import sanitize
from chtui.widgets.console import Console

if TYPE_CHECKING:
    from chtui.session import Profiles, Session


class Switching(Console, inherit_bindings=False):
    """What the app does about `:profile`, `:cluster` and `:fleet`."""

    profiles: Profiles | None = None
    """What can be opened; None where there is only one."""

    def use_session(self, session: Session) -> None:
        """Leave the session on screen for another one, which is started."""
        if self.session is not None:
            self.session.stop()
        self.session = session
        while len(self.screen_stack) > 1:
            self.pop_screen()
        session.start()
        if isinstance(self.screen, PaneScreen):
            self.screen.watch_session()

    def use_profile(self, name: str) -> None:
        """Leave the profile on screen and open another one; says why it cannot be."""
        self._open_in_background(name, None)

    @on(commands.UseProfile)
    def _use_profile(self, command: commands.UseProfile) -> None:
        if command.argument:
            self.use_profile(command.argument)
        else:
            self._say(lambda: f"profiles: {', '.join(self.profiles.names()) if self.profiles else '-'}")

    @on(commands.UseCluster)
    def _use_cluster(self, command: commands.UseCluster) -> None:
        if self.session is None:
            return
        known = self.session.snapshot.clusters
        if command.argument in known:
            self.use_session(self.session.of_cluster(command.argument))
        else:
            asked = f"no cluster '{command.argument}'; " if command.argument else ""
            self._tell(f"{asked}there are: {', '.join(known) or 'none known yet'}", is_error=bool(asked))

    @on(commands.OpenFleet)
    def _open_fleet(self, command: commands.OpenFleet) -> None:
        from chtui.screens.fleet import FleetScreen
        from chtui.session import Comparison

        command.stop()
        if self.profiles is None:
            self._tell("there is only this profile", is_error=True)
        elif not isinstance(self.screen, FleetScreen):
            self.push_screen(FleetScreen(Comparison(self.profiles)))

    def _open_in_background(self, name: str, cluster: str | None) -> None:
        """A password may come from a command that takes its time: the screen goes on meanwhile."""
        profiles = self.profiles
        if profiles is None:
            self._tell("there is only this profile", is_error=True)
            return

        def run() -> None:
            try:
                session = profiles.open(name, cluster)
            except ChtuiError as error:
                self.call_from_thread(self._tell, error.line, True)
            else:
                self.call_from_thread(self.use_session, session)

        threading.Thread(target=run, name=f"open {name}", daemon=True).start()

    def _say(self, text: Callable[[], str]) -> None:
        try:
            self._tell(text())
        except ChtuiError as error:
            self._tell(error.line, is_error=True)

    def _tell(self, text: str, is_error: bool = False) -> None:
        self.notify(sanitize(text), severity="error" if is_error else "information", markup=False)
