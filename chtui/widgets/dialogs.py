"""Dialogs: the help, and text to read."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from chtui import commands

KEY_WIDTH = 14


class TextDialog(ModalScreen[None], inherit_bindings=False):
    """Text in a frame, with the moving keys to scroll it and esc to leave."""

    # The app's own bindings do not reach a modal screen.
    BINDINGS = commands.bindings()

    DEFAULT_CSS = """
    TextDialog { align: center middle; background: $background 60%; }
    TextDialog > Vertical { width: 90%; max-width: 110; height: 90%; border: round $primary; background: $surface; padding: 0 1; }
    TextDialog VerticalScroll { height: 1fr; scrollbar-size: 0 0; }
    TextDialog .title { text-style: bold; color: $text-accent; height: 1; }
    TextDialog .foot { color: $text-muted; height: 1; }
    TextDialog:ansi { background: ansi_default; }
    TextDialog:ansi > Vertical { background: ansi_default; border: round ansi_default; }
    """

    def __init__(self, title: str, body: Content) -> None:
        super().__init__()
        self._title = title
        self._body = body

    def compose(self) -> ComposeResult:
        """Build title, text and the keys that leave it."""
        with Vertical():
            yield Static(self._title, markup=False, classes="title")
            with VerticalScroll() as scroll:
                scroll.can_focus = True
                yield Static(self._body, markup=False)
            yield Static("j k scroll  esc close", markup=False, classes="foot")

    def on_mount(self) -> None:
        """Let the keys reach the text."""
        self.query_one(VerticalScroll).focus()

    @on(commands.Back)
    @on(commands.Help)
    def _leave(self, command: commands.Command) -> None:
        command.stop()
        self.dismiss(None)

    @on(commands.MoveCursor)
    def _scroll(self, command: commands.MoveCursor) -> None:
        command.stop()
        scrolled(self.query_one(VerticalScroll), command)


def scrolled(scroll: VerticalScroll, command: commands.MoveCursor) -> None:
    """Move what is read as a moving command says."""
    page = max(1, scroll.size.height - 1)
    here = scroll.scroll_offset.y
    there = {
        commands.CursorTop: 0,
        commands.CursorBottom: int(scroll.max_scroll_y),
        commands.CursorDown: here + 1,
        commands.CursorUp: here - 1,
        commands.PageDown: here + page,
        commands.PageUp: here - page,
    }.get(type(command), here)
    scroll.scroll_to(y=there, animate=False)


def help_text(columns: tuple[tuple[str, str], ...]) -> Content:
    """Return the help: every command by group, then what the columns of the pane mean."""
    lines: list[Content] = []
    groups = dict.fromkeys(command.group for command in commands.REGISTRY.values())
    for group in groups:
        lines.append(Content.styled(group, "bold $text-accent"))
        for command in commands.REGISTRY.values():
            if command.group == group:
                names = "".join(
                    f"  :{name}" + (f" {command.takes}" if command.takes else "")
                    for name in command.names[:1]
                )
                lines.append(
                    Content.styled(f"  {command.shown:<{KEY_WIDTH}}", "bold")
                    + Content(f"{command.help}{names}")
                )
        lines.append(Content(""))
    if columns:
        lines.append(Content.styled("Columns", "bold $text-accent"))
        lines.extend(
            Content.styled(f"  {title:<{KEY_WIDTH}}", "bold") + Content(text) for title, text in columns
        )
    return Content("\n").join(lines)
