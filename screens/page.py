"""Any page of parts: heading, the parts' names, notes, figures, a plot, and one table at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from textual import on
from textual.app import ComposeResult

from chtui import commands
from chtui.errors import UsageError
from chtui.screens.pane import PaneScreen
from chtui.views.panes import page
from chtui.views.pieces import Figure, Piece
from chtui.views.table import Arrangement, Link, Table
from chtui.widgets.choice import Choice
from chtui.widgets.figures import Figures
from chtui.widgets.row_table import RowTable
from chtui.widgets.status_bar import StyledLine

if TYPE_CHECKING:
    from chtui.monitor.scheduler import Want
    from chtui.monitor.snapshot import Snapshot
    from chtui.views.pages import Part
    from chtui.views.plot import Plot


class Drawn(NamedTuple):
    """One part of a page, built off the event loop."""

    part: str
    heading: tuple[Piece, ...]
    notes: tuple[Piece, ...]
    figures: tuple[Figure, ...]
    plot: Plot | None
    table: tuple[Table, Table, Arrangement]


class PageScreen(PaneScreen):
    """A page; tab goes from one part to the next, enter opens what is behind a row."""

    CSS_PATH = ["pane.tcss", "page.tcss"]

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._page = page(link.page)
        self._subject = link.subject
        part = self._page.part(link.part)
        assert part is not None, f"page {link.page} has no part {link.part}"
        self._part: Part = part
        self._asked: set[str] = set()
        """Parts asked on demand."""

    @property
    def title_word(self) -> str:
        """The page's and the part's name."""
        name = self._page.name
        return name if len(self._page.parts) == 1 else f"{name} {self._part.name}"

    def compose_body(self) -> ComposeResult:
        """Build the lines, and a table for every part; one is shown."""
        yield StyledLine(id="heading")
        yield StyledLine(id="parts")
        yield StyledLine(id="notes")
        yield Figures(id="figures")
        for part in self._page.parts:
            table = RowTable(part.columns, frozen=part.frozen, id=f"part-{part.name}")
            table.display = part is self._part
            yield table

    def wants(self) -> tuple[Want, ...]:
        """Return the probes of the part on screen; none while it waits to be asked for."""
        return self._part.wants(self._subject) if self._is_asked else ()

    @property
    def _is_asked(self) -> bool:
        return not self._part.demand or self._part.name in self._asked

    @property
    def current_table(self) -> RowTable:
        """The table of the part on screen."""
        return self.query_one(f"#part-{self._part.name}", RowTable)

    def builder(self) -> Callable[[Snapshot], Any]:
        """Return what builds the part on screen."""
        from chtui.views import pages

        part, subject, table, asked = self._part, self._subject, self.current_table, self._is_asked
        whole = self._page

        def build(snapshot: Snapshot) -> Drawn:
            figures = part.figures(snapshot, subject) if part.figures and asked else ()
            why = {figure.why: figure.label for figure in figures if figure.why}
            unknown = tuple(Piece(f"{label}: {reason}", "muted") for reason, label in why.items())
            return Drawn(
                part.name,
                pages.heading(whole, snapshot, subject),
                (*pages.notes(part, snapshot, subject), *unknown) if asked else (),
                figures,
                part.plot(snapshot, subject) if part.plot and asked else None,
                table.prepared(pages.table(part, snapshot, subject, asked)),
            )

        return build

    def draw(self, view: Drawn) -> None:
        """Draw what was built, unless the person has gone on to another part."""
        if view.part != self._part.name:
            return
        self._line("heading", view.heading)
        self._line("notes", view.notes)
        self._line("parts", self._parts_line())
        figures = self.query_one(Figures)
        figures.display = bool(view.figures)
        figures.show(view.figures)
        self._draw_plot(view.plot)
        self.current_table.show(view.table)

    def _draw_plot(self, plot: Plot | None) -> None:
        from chtui.widgets.plot import PlotBox

        boxes = self.query(PlotBox)
        if plot is None:
            boxes.remove()
        elif boxes:
            boxes.first().show(plot)
        else:
            box = PlotBox()
            self.mount(box, after=self.query_one(Figures))
            box.show(plot)

    def _line(self, name: str, pieces: tuple[Piece, ...]) -> None:
        line = self.query_one(f"#{name}", StyledLine)
        # Another height is another layout, and that sends the whole screen.
        if line.display != bool(pieces):
            line.display = bool(pieces)
        line.show(pieces)

    def _parts_line(self) -> tuple[Piece, ...]:
        if len(self._page.parts) == 1:
            return ()
        return tuple(
            Piece(f"[{part.title}]", "accent") if part is self._part else Piece(part.title, "muted")
            for part in self._page.parts
        )

    # Commands

    def show_part(self, name: str) -> None:
        """Show another part."""
        part = self._page.part(name)
        if part is None or part is self._part:
            return
        self.current_table.display = False
        self._part = part
        self.current_table.display = True
        self.current_table.focus()
        self._line("parts", self._parts_line())
        self.query_one(Figures).display = False
        self.show_place()
        self.watch_session()

    @on(commands.NextPart)
    @on(commands.PreviousPart)
    def _other_part(self, command: commands.Command) -> None:
        command.stop()
        # The base class walks from table to table: here only one is on screen.
        command.prevent_default()
        parts, step = self._page.parts, 1 if isinstance(command, commands.NextPart) else -1
        self.show_part(parts[(parts.index(self._part) + step) % len(parts)].name)

    @on(RowTable.Opened)
    def _open_row(self, message: RowTable.Opened) -> None:
        message.stop()
        row = message.table.row
        if row is not None and row.link is not None:
            self.app.open_link(row.link)

    @on(commands.Open)
    def _ask_part(self, command: commands.Open) -> None:
        """Ask for what is asked on demand only: there is no row to open yet."""
        command.stop()
        if not self._is_asked:
            self._asked.add(self._part.name)
            self.watch_session()

    @on(commands.GoTo)
    def _go_to(self, command: commands.GoTo) -> None:
        command.stop()
        row = self.current_table.row
        if row is None or not row.links:
            self.notify("nothing else has to do with this row", markup=False, timeout=2)
            return

        def chosen(index: int | None) -> None:
            if index is not None:
                self.app.open_link(row.links[index][1])

        self.app.push_screen(Choice("go to", tuple(name for name, _ in row.links)), chosen)

    @on(commands.Act)
    def _act(self, command: commands.Act) -> None:
        command.stop()
        session, table, plan = self.app.session, self.current_table, self._part.plan
        if plan is None:
            self.notify("there is nothing to act on here", markup=False, timeout=3)
        elif session is not None:
            keys = sorted(table.marked) or ([table.row.key] if table.row else [])
            try:
                self.app.confirm(plan(session.snapshot, self._subject, keys))
            except UsageError as error:
                self.notify(error.line, severity="error", markup=False)
