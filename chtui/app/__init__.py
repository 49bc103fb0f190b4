"""The console: modes, themes, commands that are nobody else's, and what happens when a worker fails."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.console import Console as Terminal
from textual import on
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.screen import Screen

from chtui import commands
from chtui.app.acting import Acting
from chtui.errors import UsageError
from chtui.screens.pane import PaneScreen
from chtui.views.table import Link
from chtui.widgets.console import FIRST_PAINT_SECONDS

if TYPE_CHECKING:
    from chtui.profile.model import Ui
    from chtui.session import Profiles, Session

EXIT_INTERRUPTED = 130
ASCII_CSS = """
ModalScreen > Vertical, ModalScreen:ansi > Vertical { border: ascii $primary; }
Toast { border-left: none; }
CommandPalette #--input, CommandPalette #--input.--list-visible, CommandPalette #--results, CommandPalette LoadingIndicator { border: none; }
CommandPalette CommandList, CommandPalette CommandList:focus { border: none; scrollbar-size: 0 0; text-overflow: clip; }
CommandPalette SearchIcon, CommandPalette LoadingIndicator { display: none; }
"""
"""What takes the place of lines and icons where only ASCII is drawn."""


def _replicas() -> Screen[Any]:
    from chtui.screens.replicas import ReplicasScreen

    return ReplicasScreen()


def _pane(name: str) -> Callable[[], Screen[Any]]:
    return lambda: screen_of(Link(name))


def screen_of(link: Link) -> Screen[Any]:
    """Return the screen that shows a page; a few have one of their own."""
    if link.page == "host":
        from chtui.screens.host import HostScreen

        return HostScreen(link.subject[0])
    from chtui.screens.page import PageScreen

    return PageScreen(link)


class CommandProvider(Provider):
    """Every command of the registry, by its title."""

    async def discover(self) -> Hits:
        """Yield all commands."""
        for command in commands.REGISTRY.values():
            yield DiscoveryHit(self._label(command), self._ask(command), help=command.help)

    async def search(self, query: str) -> Hits:
        """Yield the commands whose title or help matches."""
        matcher = self.matcher(query)
        for command in commands.REGISTRY.values():
            label = self._label(command)
            if (score := matcher.match(f"{label} {command.help}")) > 0:
                yield Hit(score, matcher.highlight(label), self._ask(command), help=command.help)

    @staticmethod
    def _label(command: type[commands.Command]) -> str:
        return f"{command.title}  {command.shown}".rstrip()

    def _ask(self, command: type[commands.Command]) -> Callable[[], None]:
        app = self.app
        assert isinstance(app, ChtuiApp)

        def ask() -> None:
            # Later: the palette has gone then, and the table has the focus again.
            app.call_later(app.action_ask, command.__name__)

        return ask


class ChtuiApp(Acting, inherit_bindings=False):
    """The console of one profile."""

    TITLE = "chtui"
    BINDINGS = commands.bindings()
    COMMANDS = {CommandProvider}
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ENABLE_COMMAND_PALETTE = True
    MODES = {name: _replicas if name == "replicas" else _pane(name) for name in commands.PANES}
    """Pane name to what makes its screen; imported on first use."""
    DEFAULT_MODE = "replicas"

    def __init__(
        self,
        opening: Callable[[], Session],
        ui: Ui | None = None,
        profiles: Callable[[], Profiles] | None = None,
    ) -> None:
        # NO_COLOR only greys Textual's colours unless the app is made with ANSI colours; then none is sent at all.
        ansi = True if "NO_COLOR" in os.environ or _few_colours() else None
        super().__init__(ansi_color=ansi)
        self._opening = opening
        self._ui = ui
        self._profiles = profiles
        self.is_ascii = bool(ui and ui.ascii)
        self.crash: Exception | None = None
        """What ended the app against its will."""
        self._ansi = bool(ansi)

    def on_mount(self) -> None:
        """Choose the theme, show the first pane, and begin to monitor once it is painted."""
        if self._ansi:
            self.theme = "ansi-dark"
        if self.is_ascii:
            self.stylesheet.add_source(ASCII_CSS, ("chtui", "ascii"))
            self.refresh_css()
        if self._ui and self._ui.theme:
            self.use_theme(self._ui.theme)
        if self._ui and self._ui.default_pane in self.MODES and self._ui.default_pane != self.DEFAULT_MODE:
            self.switch_mode(self._ui.default_pane)
        self.set_timer(FIRST_PAINT_SECONDS, self._open)

    def _open(self) -> None:
        # Only now: making the session imports what talks to servers, and the screen is already there to look at.
        self.session = self._opening()
        self.profiles = self._profiles() if self._profiles else None
        if isinstance(self.screen, PaneScreen):
            self.screen.watch_session()
        self.session.start()
        gc.enable()

    def on_unmount(self) -> None:
        """Let the session's threads go; nothing is waited for."""
        if self.session is not None:
            self.session.stop()

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print a traceback over the user's terminal: whoever runs the app tells it in one line.
        self.crash = self.crash or error
        self.exit(return_code=1)

    def use_theme(self, name: str) -> None:
        """Change the theme; an unknown name lists the known ones."""
        if name in self.available_themes:
            self.theme = name
        else:
            self.notify(
                f"no theme '{name}'; there are: {', '.join(sorted(self.available_themes))}",
                severity="error",
                markup=False,
            )

    def open_link(self, link: Link) -> None:
        """Show a page over the one on screen; says why where its subject makes no sense."""
        try:
            self.push_screen(screen_of(link))
        except UsageError as error:
            self.notify(error.line, severity="error", markup=False)

    def run_typed(self, text: str) -> None:
        """Run what was typed after `:`."""
        found = commands.by_name(text)
        if found is None:
            self.notify(f"no command '{text}'; tab completes, ? lists all", severity="error", markup=False)
            return
        command, argument = found
        self._post(command(argument))

    def action_ask(self, name: str) -> None:
        """Ask for a command by its class's name; the focused widget hears it first."""
        command = commands.REGISTRY[name]()
        screen = self.screen
        if isinstance(command, commands.TakesKeyboard) and isinstance(screen, PaneScreen):
            # Done at once: the next key may have been typed already, and belongs to what opens.
            screen.open_prompt(command)
        else:
            self._post(command)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let the prompt's own keys through to an open prompt, and to a dialog what is its own."""
        if action == "ask" and issubclass(commands.REGISTRY[str(parameters[0])], commands.TakesKeyboard):
            return isinstance(self.screen, PaneScreen) and not self.screen.is_typing
        return super().check_action(action, parameters)

    def _post(self, command: commands.Command) -> None:
        target = self.screen.focused or self.screen
        # A message made by a parent does not bubble past its child: it would never reach screen or app.
        command.set_sender(target)
        target.post_message(command)

    @on(commands.OpenPane)
    def _open_pane(self, command: commands.OpenPane) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if self.current_mode != command.pane:
            self.switch_mode(command.pane)

    @on(commands.OpenPage)
    def _open_page(self, command: commands.OpenPage) -> None:
        from chtui.views.panes import typed_link

        try:
            link = typed_link(command.argument.split())
        except UsageError as error:
            self.notify(error.line, severity="error", markup=False)
            return
        self.open_link(link)

    @on(commands.Quit)
    def _quit(self) -> None:
        self.exit(0)

    @on(commands.Interrupt)
    def _interrupt(self) -> None:
        self.exit(EXIT_INTERRUPTED)

    @on(commands.Palette)
    def _palette(self) -> None:
        self.action_command_palette()

    def action_command_palette(self) -> None:
        """Open the palette, its words in ASCII."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="find a command", id="--command-palette"))

    @on(commands.Back)
    def _back(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()

    @on(commands.Pause)
    def _pause(self) -> None:
        if self.session is None:
            return
        paused = not self.session.snapshot.paused
        self.session.pause(paused)
        self.notify(
            "paused: only host states are asked" if paused else "polling again", markup=False, timeout=2
        )

    @on(commands.Refresh)
    def _refresh(self) -> None:
        if self.session is not None:
            self.session.refresh()

    @on(commands.UseTheme)
    def _theme(self, command: commands.UseTheme) -> None:
        names = sorted(self.available_themes)
        following = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]
        self.use_theme(command.argument or following)


def _few_colours() -> bool:
    """Whether the terminal has 16 colours or fewer: then its own palette is used."""
    return Terminal(force_terminal=True).color_system in (None, "standard")
