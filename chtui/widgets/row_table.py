"""The table everything polled is drawn by: Textual's Line API, so that a changed cell costs its own few bytes."""

from __future__ import annotations

from rich.style import Style as RichStyle
from textual import on
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from chtui import commands
from chtui.text import one_line
from chtui.views.table import Arrangement, Column, Row, Table, arranged, measured
from chtui.widgets.row_painter import Painter, offsets_of


class RowTable(ScrollView, can_focus=True, inherit_bindings=False):
    """A table with a cursor and marks that stay on their rows while the rows are replaced.

    Keys come as commands (`chtui.commands`): moving, sorting, marking, copying, opening.
    """

    COMPONENT_CLASSES = {
        "row-table--header",
        "row-table--header-cursor",
        "row-table--cursor",
        "row-table--cell-cursor",
        "row-table--mark",
        "row-table--ok",
        "row-table--warning",
        "row-table--critical",
        "row-table--muted",
        "row-table--accent",
    }
    """
    | class | what |
    | --- | --- |
    | `row-table--header` | the titles |
    | `row-table--header-cursor` | the title of the column under the cursor |
    | `row-table--cursor` | the row under the cursor |
    | `row-table--cell-cursor` | the cell under the cursor |
    | `row-table--mark` | the sign of a marked row |
    | others | what a cell means |
    """

    DEFAULT_CSS = """
    RowTable { height: 1fr; scrollbar-size: 0 0; }
    RowTable > .row-table--header { text-style: bold dim; }
    RowTable > .row-table--header-cursor { text-style: bold underline; color: $accent; }
    RowTable > .row-table--cursor { background: $surface; }
    RowTable > .row-table--mark { color: $accent; text-style: bold; }
    RowTable > .row-table--ok { color: $success; }
    RowTable > .row-table--warning { color: $warning; }
    RowTable > .row-table--critical { color: $error; text-style: bold; }
    RowTable > .row-table--muted { text-style: dim; }
    RowTable > .row-table--accent { color: $accent; }
    RowTable:focus > .row-table--cursor { background: $primary 40%; }
    RowTable:focus > .row-table--cell-cursor { background: $primary; text-style: bold; }
    RowTable:ansi > .row-table--cursor { background: ansi_default; }
    RowTable:ansi:focus > .row-table--cursor { color: ansi_default; background: ansi_default; text-style: reverse; }
    RowTable:ansi:focus > .row-table--cell-cursor {
        color: ansi_default; background: ansi_default; text-style: bold reverse underline;
    }
    """

    class Opened(Message):
        """A row was opened."""

        def __init__(self, table: RowTable, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key
            """The row's key."""

        @property
        def control(self) -> RowTable:
            """The table."""
            return self.table

    class Moved(Message):
        """The cursor went elsewhere, or what it stands on changed its place."""

        def __init__(self, table: RowTable) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> RowTable:
            """The table."""
            return self.table

    def __init__(self, columns: tuple[Column, ...], *, frozen: int = 1, id: str | None = None) -> None:
        super().__init__(id=id)
        self._raw = Table(columns, ())
        self._table = measured(self._raw)
        self._frozen = frozen
        self._row = 0
        self._key = ""
        self._column = 0
        self._marks: set[str] = set()
        self._is_painted = False
        """Whether the whole table has been drawn since it got its size; before that no part of it may be drawn alone."""
        self.arrangement = Arrangement()
        """How rows are sorted and filtered; whoever builds tables off the loop reads it."""

    # What is shown

    @property
    def table(self) -> Table:
        """The table as it is drawn, sorted and filtered."""
        return self._table

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._table.rows[self._row] if self._row < len(self._table.rows) else None

    @property
    def row_index(self) -> int:
        """The place of the row under the cursor, from 0."""
        return self._row

    @property
    def total_rows(self) -> int:
        """How many rows there are before the filter."""
        return len(self._raw.rows)

    @property
    def marked(self) -> frozenset[str]:
        """Keys of the marked rows that are still there."""
        return frozenset(self._marks & {row.key for row in self._raw.rows})

    def prepared(self, raw: Table) -> tuple[Table, Table, Arrangement]:
        """Return what `show` takes; made off the event loop, where sorting thousands of rows hurts nobody."""
        arrangement = self.arrangement
        return raw, arranged(raw, arrangement), arrangement

    def show(self, prepared: tuple[Table, Table, Arrangement]) -> None:
        """Draw other rows; cursor and marks stay on theirs, and only what differs goes to the terminal."""
        self._raw, table, arrangement = prepared
        if arrangement != self.arrangement:
            table = arranged(self._raw, self.arrangement)
        before = self._table
        self._table = table
        self._place_cursor()
        size = Size(offsets_of(self._table)[-1], len(table.rows) + 1)
        if size != self.virtual_size:
            self.virtual_size = size
        if (
            not self._is_painted
            or before.widths != table.widths
            or before.empty != table.empty
            or not before.rows
            or not table.rows
        ):
            self.refresh()
        else:
            self._refresh_changed(before)
        self.post_message(self.Moved(self))

    def rearrange(self, arrangement: Arrangement) -> None:
        """Sort and filter anew.

        Raises:
            UsageError: the filter is no regular expression; nothing changes then.
        """
        table = arranged(self._raw, arrangement)
        self.arrangement = arrangement
        self.show((self._raw, table, arrangement))
        self.refresh()

    def _place_cursor(self) -> None:
        keys = [row.key for row in self._table.rows]
        if self._row < len(keys) and keys[self._row] == self._key:
            return
        if self._key in keys:
            moved = keys.index(self._key)
            offset = self._row - self.scroll_offset.y
            self._row = moved
            self.scroll_to(y=max(0, moved - offset), animate=False, force=True)
        else:
            self._row = max(0, min(self._row, len(keys) - 1))
            self._key = keys[self._row] if keys else ""

    def _refresh_changed(self, before: Table) -> None:
        """Redraw, of the visible lines, what lies between the first and the last cell that differ.

        One region a line: for each of several in one line Textual would send the line's beginning again.
        """
        top, offsets = self.scroll_offset.y, offsets_of(self._table)
        for line in range(self.size.height - 1):
            index = top + line
            old = before.rows[index] if index < len(before.rows) else None
            new = self._table.rows[index] if index < len(self._table.rows) else None
            if old is new:
                continue
            left, right = 0, self.size.width
            if old is not None and new is not None and old.key == new.key:
                # What it is sorted by may change while what is drawn does not: seconds of an uptime in minutes.
                columns = [
                    n
                    for n, (was, now) in enumerate(zip(old.cells, new.cells, strict=True))
                    if was.text != now.text or was.style != now.style
                ]
                if not columns:
                    continue
                left, right = self._extent(columns[0], columns[-1], offsets)
            if right > left:
                self.refresh(Region(left, line + 1, right - left, 1))

    def _extent(self, first: int, last: int, offsets: list[int]) -> tuple[int, int]:
        """The visible cells from one column to another, as drawn now."""
        edge = offsets[min(self._frozen, len(offsets) - 1)]
        left = offsets[first] if first < self._frozen else max(edge, offsets[first] - self.scroll_offset.x)
        right = offsets[last + 1] - (0 if last < self._frozen else self.scroll_offset.x)
        return left, min(right, self.size.width)

    def on_resize(self) -> None:
        """Draw everything in the new size."""
        self._is_painted = False
        self.refresh()

    # Drawing

    def render_line(self, y: int) -> Strip:
        """Draw one line: the titles, a row, or nothing."""
        painter = Painter(
            self._table, self._frozen, self.size.width, self.scroll_offset.x, self._component, self.rich_style
        )
        index = self.scroll_offset.y + y - 1
        if y == 0:
            self._is_painted = True
            return painter.titles(self.arrangement, self._column if self.has_focus else None)
        if index < len(self._table.rows):
            row = self._table.rows[index]
            return painter.row(row, row.key in self._marks, self._column if index == self._row else None)
        if y == 2 and not self._table.rows:
            text = (
                self._table.empty
                if not self.arrangement.filter
                else f"no row matches /{self.arrangement.filter}"
            )
            return painter.words(text)
        return Strip.blank(self.size.width, self.rich_style)

    def _component(self, name: str) -> RichStyle:
        return self.get_component_rich_style(f"row-table--{name}", partial=True)

    # Moving

    def move_to(self, row: int, column: int | None = None) -> None:
        """Put the cursor on a row, and a column, and scroll them into view."""
        last = len(self._table.rows) - 1
        old_row, old_column = self._row, self._column
        self._row = max(0, min(row, last))
        self._key = self._table.rows[self._row].key if self._table.rows else ""
        if column is not None:
            self._column = max(0, min(column, len(self._table.columns) - 1))
        self._scroll_into_view()
        for changed in {old_row, self._row}:
            self._refresh_line(changed)
        if old_column != self._column:
            self.refresh(Region(0, 0, self.size.width, 1))
        self.post_message(self.Moved(self))

    def _scroll_into_view(self) -> None:
        visible = max(1, self.size.height - 1)
        top, left = self.scroll_offset.y, self.scroll_offset.x
        if self._row < top:
            top = self._row
        elif self._row >= top + visible:
            top = self._row - visible + 1
        if self._column >= self._frozen:
            offsets = offsets_of(self._table)
            room = self.size.width - offsets[self._frozen]
            start = offsets[self._column] - offsets[self._frozen]
            end = start + self._table.widths[self._column]
            left = start if start < left or end - start > room else max(left, end - room)
        else:
            left = 0
        if (left, top) != (self.scroll_offset.x, self.scroll_offset.y):
            self.scroll_to(left, top, animate=False, force=True)

    def _refresh_line(self, row: int) -> None:
        line = row - self.scroll_offset.y + 1
        if 1 <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    @on(commands.MoveCursor)
    def _move(self, command: commands.MoveCursor) -> None:
        command.stop()
        row = {
            commands.CursorTop: 0,
            commands.CursorBottom: len(self._table.rows) - 1,
            commands.PageDown: self._row + max(1, self.size.height - 2),
            commands.PageUp: self._row - max(1, self.size.height - 2),
            commands.CursorDown: self._row + 1,
            commands.CursorUp: self._row - 1,
        }.get(type(command), self._row)
        column = {commands.CursorLeft: self._column - 1, commands.CursorRight: self._column + 1}.get(
            type(command)
        )
        self.move_to(row, column)

    # Doing

    @on(commands.Mark)
    def _mark(self, command: commands.Mark) -> None:
        command.stop()
        if self.row is not None:
            self._marks ^= {self.row.key}
            self._refresh_line(self._row)
            self.move_to(self._row + 1)

    @on(commands.Sort)
    @on(commands.SortReverse)
    def _sort(self, command: commands.Command) -> None:
        command.stop()
        key, reverse = self._table.columns[self._column].key, isinstance(command, commands.SortReverse)
        again = (self.arrangement.sort, self.arrangement.reverse) == (key, reverse)
        self.rearrange(Arrangement("" if again else key, reverse and not again, self.arrangement.filter))

    @on(commands.CopyCell)
    def _copy(self, command: commands.CopyCell) -> None:
        command.stop()
        if self.row is not None:
            text = self.row.cells[self._column].text
            self.app.copy_to_clipboard(text)
            self.notify(f"copied: {text[:60]}", markup=False, timeout=2)

    @on(commands.CopyRow)
    def _copy_row(self, command: commands.CopyRow) -> None:
        command.stop()
        if self.row is not None:
            text = self.row.copy or "\t".join(item.text for item in self.row.cells)
            self.app.copy_to_clipboard(text)
            self.notify(f"copied: {one_line(text, 60)}", markup=False, timeout=2)

    @on(commands.MarkAll)
    def _mark_all(self, command: commands.MarkAll) -> None:
        command.stop()
        shown = {row.key for row in self._table.rows}
        self._marks = self._marks - shown if shown <= self._marks else self._marks | shown
        self.refresh()
        self.post_message(self.Moved(self))

    @on(commands.Open)
    def _open(self, command: commands.Open) -> None:
        if self.row is not None:
            # Without a row it goes on to the screen, which may know what to do.
            command.stop()
            self.post_message(self.Opened(self, self.row.key))
