"""What screens may expect of the app; screens import this, and the app imports screens."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from textual.app import App

if TYPE_CHECKING:
    from chtui.act.plans import Plan
    from chtui.session import Session
    from chtui.views.table import Link


FIRST_PAINT_SECONDS = 0.02
"""How long what is not needed for the first paint waits: Textual calls what waits for a refresh before the frame has left."""


class Console(App[int], inherit_bindings=False):
    """The app as its screens see it."""

    session: Session | None = None
    """What monitors the profile on screen; None until the first paint is over."""

    is_ascii = False
    """Whether only ASCII is drawn."""

    @abstractmethod
    def run_typed(self, text: str) -> None:
        """Run what was typed after `:`."""

    @abstractmethod
    def open_link(self, link: Link) -> None:
        """Show a page over the one on screen."""

    @abstractmethod
    def confirm(self, plan: Plan) -> None:
        """Ask whether a plan is to be run, and run it then; says why it may not be."""

    @abstractmethod
    def use_profile(self, name: str) -> None:
        """Leave the profile on screen and open another one; says why it cannot be."""
