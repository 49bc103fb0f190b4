"""What every table is made of before anyone draws it: columns, rows, cells; and its sorting and filtering."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from chtui.errors import UsageError
from chtui.text import sanitize, width_of

Style = Literal["", "ok", "warning", "critical", "muted", "accent"]
"""What a cell means; how it looks is the theme's affair. Never the only carrier of a state: the text says it too."""

SortKey = int | float | str | tuple[int, ...] | None
"""What a column is sorted by; None sorts last either way."""


class Cell(NamedTuple):
    """One drawn value."""

    text: str
    """Safe to draw: one line, no control characters."""
    style: Style = ""
    sort: SortKey = None


class Column(NamedTuple):
    """One column."""

    key: str
    """The field of the fact it shows; stable, and what sorting is remembered by."""
    title: str
    right: bool = False
    """Whether its cells are aligned to the right."""
    max_width: int = 60
    help: str = ""
    """What it shows, its unit, where it comes from."""


class Link(NamedTuple):
    """A page to go to: its name, what it is about, and which of its parts."""

    page: str
    subject: tuple[str, ...] = ()
    part: str = ""


class Row(NamedTuple):
    """One row; `key` stays the same from one refresh to the next."""

    key: str
    cells: tuple[Cell, ...]
    link: Link | None = None
    """Where enter leads; None: nowhere further."""
    links: tuple[tuple[str, Link], ...] = ()
    """Other places that have to do with the row, each with its name: its host, table, znode."""
    copy: str = ""
    """What is copied as the row's own text: a whole statement, an exception; empty for the cells."""


class Table(NamedTuple):
    """A table ready to be drawn."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    empty: str = "nothing to show"
    """What to say instead of rows when there are none."""
    widths: tuple[int, ...] = ()
    """Columns' widths in cells, from title and content; filled by `measured`."""


class Arrangement(NamedTuple):
    """How the rows are sorted and filtered."""

    sort: str = ""
    """A column's key; empty keeps the rows' own order."""
    reverse: bool = False
    filter: str = ""
    """A regular expression; see `matcher`."""


NO_ARRANGEMENT = Arrangement()


def cell(value: object, style: Style = "", sort: SortKey = None, limit: int = 400) -> Cell:
    """Return a cell of untrusted text."""
    text = sanitize(value, limit)
    return Cell(text, style, text if sort is None else sort)


def number(value: float | None, render: Callable[[float | None], str], style: Style = "") -> Cell:
    """Return a cell of a number with its unit; `-` and sorted last if there is none."""
    return Cell(render(value), style if value is not None else "muted", value)


def measured(table: Table) -> Table:
    """Return the table with its columns' widths."""
    widths = [width_of(column.title) + 1 for column in table.columns]
    for row in table.rows:
        for index, item in enumerate(row.cells):
            width = width_of(item.text)
            widths[index] = max(widths[index], width)
    limited = tuple(min(width, column.max_width) for width, column in zip(widths, table.columns, strict=True))
    return Table(table.columns, table.rows, table.empty, limited)


def arranged(table: Table, arrangement: Arrangement = NO_ARRANGEMENT) -> Table:
    """Return the table filtered, sorted and measured; without a sort key its rows keep their order.

    Raises:
        UsageError: the filter is no regular expression.
    """
    sort, reverse, filter_text = arrangement.sort, arrangement.reverse, arrangement.filter
    rows: Iterable[Row] = table.rows
    if filter_text:
        accepts = matcher(filter_text)
        rows = [row for row in rows if accepts("\x1f".join(item.text for item in row.cells))]
    keys = [column.key for column in table.columns]
    if sort in keys:
        index = keys.index(sort)
        known = [row for row in rows if row.cells[index].sort is not None]
        unknown = [row for row in rows if row.cells[index].sort is None]
        rows = [*sorted(known, key=lambda row: _order(row.cells[index].sort), reverse=reverse), *unknown]
    return measured(Table(table.columns, tuple(rows), table.empty))


def matcher(filter_text: str) -> Callable[[str], bool]:
    """Return what tells whether a row's text passes a filter: a regular expression, small letters match both cases,
    a leading `!` inverts.

    Raises:
        UsageError: it is no regular expression.
    """
    inverted = filter_text.startswith("!")
    pattern = filter_text[1:] if inverted else filter_text
    try:
        found = re.compile(pattern, re.IGNORECASE if pattern == pattern.lower() else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"no regular expression: {error}", where=f"/{filter_text}", fix="escape it with a backslash"
        ) from error
    return lambda text: (found.search(text) is not None) != inverted


def _order(key: SortKey) -> tuple[int, float, str, tuple[int, ...]]:
    if isinstance(key, (int, float)):
        return (0, float(key), "", ())
    return (1, 0.0, "", key) if isinstance(key, tuple) else (2, 0.0, str(key), ())
