"""What every pane has: status, banner, key line, prompt, and a watch on the session while it is on screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, getters, on
from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from chtui import commands
from chtui.errors import ChtuiError
from chtui.text import one_line, sanitize
from chtui.views.pieces import Piece
from chtui.views.table import Arrangement
from chtui.widgets.console import FIRST_PAINT_SECONDS, Console
from chtui.widgets.dialogs import TextDialog, help_text
from chtui.widgets.prompt import Prompt
from chtui.widgets.row_table import RowTable
from chtui.widgets.status_bar import Banner, KeyLine, StatusBar

if TYPE_CHECKING:
    from chtui.monitor.scheduler import Want
    from chtui.monitor.snapshot import Snapshot
    from chtui.views.status import Status

SMALLEST_WIDTH, SMALLEST_HEIGHT = 40, 8
"""Below this nothing is readable, and the screen says so instead."""


class PaneScreen(Screen[None], inherit_bindings=False):
    """A pane; subclasses say what they watch, build and draw."""

    CSS_PATH = ["pane.tcss"]
    TITLE: ClassVar[str] = ""

    class Built(Message):
        """A view was built off the event loop."""

        def __init__(self, view: Any) -> None:
            super().__init__()
            self.view = view

        def can_replace(self, message: Message) -> bool:
            """Only the newest view is worth drawing."""
            return isinstance(message, PaneScreen.Built)

    app = getters.app(Console)
    is_whole = False
    """Whether everything is mounted: a moment after the first paint."""

    def compose(self) -> ComposeResult:
        """Build the lines around the pane's own part; prompt and banner follow."""
        yield StatusBar(id="status")
        yield from self.compose_body()
        yield KeyLine(id="keys")

    async def _compose_rest(self) -> None:
        """Build what the first paint does not need: every stylesheet costs it time."""
        body = self.query_one(KeyLine)
        await self.mount(Banner(id="banner"), after=self.query_one(StatusBar))
        await self.mount(Prompt(id="prompt"), before=body)
        await self.mount(Static("", markup=False, id="too-small"))
        self.is_whole = True
        self.on_resize()
        self.watch_session()

    # For subclasses

    def compose_body(self) -> ComposeResult:
        """Build the pane's own part."""
        raise NotImplementedError

    def wants(self) -> tuple[Want, ...]:
        """Return the probes to poll while the pane is on screen."""
        raise NotImplementedError

    def builder(self) -> Callable[[Snapshot], Any]:
        """Return what builds the pane's view of a snapshot; runs off the event loop."""
        raise NotImplementedError

    def draw(self, view: Any) -> None:
        """Draw what the builder made."""
        raise NotImplementedError

    def place(self) -> str:
        """Return what the key line says first: the pane and the cursor's place."""
        table = self.current_table
        shown = len(table.table.rows)
        of = f"/{shown}" if shown == table.total_rows else f"/{shown} of {table.total_rows}"
        return f"{self.title_word} {min(table.row_index + 1, shown)}{of}"

    @property
    def title_word(self) -> str:
        """What the screen is called."""
        return self.TITLE

    # On and off screen

    @property
    def current_table(self) -> RowTable:
        """The table that is on screen, of several the one that has the focus."""
        focused = self.focused
        return focused if isinstance(focused, RowTable) else self.query(RowTable).first()

    def on_mount(self) -> None:
        """Let the keys reach the table."""
        self.current_table.focus()
        self.query_one(StatusBar).show((Piece("chtui", "accent"), Piece("connecting ...", "muted")))
        self.show_place()
        self.set_timer(FIRST_PAINT_SECONDS, self._compose_rest)

    def on_screen_resume(self) -> None:
        """Watch while on screen."""
        self.watch_session()

    def watch_session(self) -> None:
        """Have the session build this pane's view from now on, once there is a session and all of the pane."""
        session = self.app.session
        if session is None or not self.is_whole or not self.is_current:
            return
        from chtui.session import Watch
        from chtui.views.status import status

        build = self.builder()

        def deliver(view: Any) -> None:
            self.post_message(self.Built(view))

        watch = Watch(lambda snapshot: (status(snapshot), build(snapshot)), deliver)
        session.watch(self.watch_name, watch, self.wants())

    def on_screen_suspend(self) -> None:
        """Poll nothing for a screen nobody sees, and leave no wish behind."""
        if self.app.session is not None:
            self.app.session.unwatch(self.watch_name)

    on_unmount = on_screen_suspend

    @property
    def watch_name(self) -> str:
        """What the session knows this screen by."""
        return f"{self.TITLE} {id(self)}"

    @on(Built)
    def _draw_built(self, message: Built) -> None:
        message.stop()
        if isinstance(message.view, Exception):
            text = f"this pane cannot be drawn: {type(message.view).__name__}: {one_line(message.view, 200)}"
            self.query_one(Banner).show((Piece(text, "critical"),))
            return
        top: Status
        top, view = message.view
        self.query_one(StatusBar).show(top.pieces)
        self.query_one(Banner).show(top.banners)
        self.draw(view)

    @on(RowTable.Moved)
    @on(events.DescendantFocus)
    def show_place(self) -> None:
        """Say where the cursor is."""
        table = self.current_table
        marks = len(table.marked)
        extra = (Piece(f"{marks} marked", "accent"),) if marks else ()
        self.query_one(KeyLine).show_keys(self.place(), table.arrangement.filter, extra)

    def on_resize(self) -> None:
        """Say so when the window is too small to read anything."""
        if not self.is_whole:
            return
        width, height = self.size
        too_small = width < SMALLEST_WIDTH or height < SMALLEST_HEIGHT
        self.set_class(too_small, "-too-small")
        if too_small:
            self.query_one("#too-small", Static).update(
                f"{width}x{height} is too small\n{SMALLEST_WIDTH}x{SMALLEST_HEIGHT} is needed"
            )

    # Prompt

    @on(commands.TakesKeyboard)
    def open_prompt(self, command: commands.TakesKeyboard) -> None:
        """Open the command line or the filter."""
        command.stop()
        if not self.is_whole:
            return
        if isinstance(command, commands.Filter):
            self.query_one(Prompt).open("/", self.current_table.arrangement.filter, [])
        else:
            self.query_one(Prompt).open(":", "", commands.completions())

    @property
    def is_typing(self) -> bool:
        """Whether the prompt takes the keys."""
        return self.is_whole and self.query_one(Prompt).is_open

    @on(Prompt.Changed)
    @on(Prompt.Submitted)
    @on(Prompt.Closed)
    def _take_prompt(self, message: Prompt.Changed | Prompt.Submitted | Prompt.Closed) -> None:
        message.stop()
        if not isinstance(message, Prompt.Changed):
            self.set_focus(self.current_table)
        if isinstance(message, Prompt.Closed):
            if message.sign == "/":
                self._set_filter("", complain=False)
        elif message.sign == "/":
            # While it is being typed, half an expression is no mistake.
            self._set_filter(message.text, complain=isinstance(message, Prompt.Submitted))
        elif isinstance(message, Prompt.Submitted) and message.text.strip():
            self.app.run_typed(message.text)

    def _set_filter(self, text: str, complain: bool) -> None:
        for table in self.query(RowTable):
            try:
                table.rearrange(Arrangement(table.arrangement.sort, table.arrangement.reverse, text))
            except ChtuiError as error:
                if complain:
                    self.notify(error.line, severity="error", markup=False)
                return
        self.show_place()

    # Commands every pane knows

    @on(commands.Back)
    def _back(self, command: commands.Back) -> None:
        command.stop()
        if any(table.arrangement.filter for table in self.query(RowTable)):
            self._set_filter("", complain=False)
        elif len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    @on(commands.Help)
    def _help(self, command: commands.Help) -> None:
        command.stop()
        columns = tuple(
            (column.title, column.help) for column in self.current_table.table.columns if column.help
        )
        self.app.push_screen(TextDialog("chtui help", help_text(columns)))

    @on(commands.Detail)
    def _detail(self, command: commands.Detail) -> None:
        command.stop()
        from textual.content import Content

        table = self.current_table
        if (row := table.row) is not None:
            lines = [
                Content.styled(f"{column.title:<14}", "bold") + Content(cell.text or "-")
                for column, cell in zip(table.table.columns, row.cells, strict=True)
            ]
            self.app.push_screen(TextDialog(sanitize(row.key), Content("\n").join(lines)))

    @on(commands.NextPart)
    @on(commands.PreviousPart)
    def _other_part(self, command: commands.Command) -> None:
        command.stop()
        tables: list[Widget] = list(self.query(RowTable))
        step = 1 if isinstance(command, commands.NextPart) else -1
        tables[(tables.index(self.current_table) + step) % len(tables)].focus()
