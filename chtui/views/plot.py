"""Plots as lines of text: values over time, in braille dots or in ASCII. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from chtui.text import width_of
from chtui.views.pieces import Piece
from chtui.views.table import Style

LABEL_WIDTH = 9
ASCII_MARKS = "*+o.x"
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Braille's bits by line and column of its cell. Source: Unicode, Braille Patterns."""


class Series(NamedTuple):
    """One line of a plot."""

    name: str
    style: Style
    values: tuple[float | None, ...]
    """One value for each of equally long steps of time; None: nothing is known of that step."""


class Plot(NamedTuple):
    """Values over time."""

    title: str
    start: datetime
    end: datetime
    series: tuple[Series, ...]
    render: Callable[[float | None], str]
    """Makes a value's label, with its unit."""
    is_log: bool = False
    """Whether equal ratios take equal heights, for values that span decades."""


def draw(plot: Plot, width: int, height: int, is_ascii: bool = False) -> list[list[Piece]]:
    """Return the plot as lines of pieces: a legend, the curves with their labels, the axis of time."""
    rows, columns = max(1, height - 2), max(1, width - LABEL_WIDTH - 1)
    low, high = _bounds(plot)
    legend = [Piece(plot.title, "muted")] + [
        Piece(f"{_mark(index, is_ascii)} {series.name} {plot.render(_last(series.values))}", series.style)
        for index, series in enumerate(plot.series)
    ]
    grid: list[list[tuple[str, Style]]] = [[(" ", "")] * columns for _ in range(rows)]
    for index, series in enumerate(plot.series):
        _draw_series(
            grid, plot, series, (low, high), ASCII_MARKS[index % len(ASCII_MARKS)] if is_ascii else ""
        )
    lines, last = [legend], ""
    for number, cells in enumerate(grid):
        value = _value_at(1 - number / max(1, rows - 1), low, high, plot.is_log)
        label = plot.render(value) if number in (0, rows - 1, rows // 2) else ""
        # Small counts would have the same label twice.
        label, last = ("" if label == last else label), label or last
        lines.append([Piece(f"{label[:LABEL_WIDTH]:>{LABEL_WIDTH}} ", "muted"), *_runs(cells)])
    return [*lines, [Piece(_axis(plot, columns), "muted")]]


def _bounds(plot: Plot) -> tuple[float, float]:
    known = [value for series in plot.series for value in series.values if value is not None]
    if not known:
        return (0.0, 1.0)
    high = max(known)
    if plot.is_log:
        low = min((value for value in known if value > 0), default=high or 1.0)
        return (low, max(high, low * 2))
    return (0.0, high or 1.0)


def _height_of(value: float, low: float, high: float, is_log: bool) -> float:
    """Return where between 0 and 1 a value stands."""
    if is_log:
        return (math.log(max(value, low)) - math.log(low)) / (math.log(high) - math.log(low))
    return (value - low) / (high - low)


def _value_at(place: float, low: float, high: float, is_log: bool) -> float:
    return low * (high / low) ** place if is_log else low + (high - low) * place


def _draw_series(
    grid: list[list[tuple[str, Style]]], plot: Plot, series: Series, bounds: tuple[float, float], mark: str
) -> None:
    rows, columns = len(grid), len(grid[0])
    down, across = (1, 1) if mark else (4, 2)
    count = len(series.values)
    before: int | None = None
    for x in range(columns * across):
        value = series.values[min(count - 1, x * count // (columns * across))] if count else None
        if value is None:
            before = None
            continue
        place = min(1.0, max(0.0, _height_of(value, *bounds, plot.is_log)))
        y = round((1 - place) * (rows * down - 1))
        # A steep curve stays one line: what lies between two neighbours is drawn too.
        first, last = (y, y) if before is None else (min(before, y), max(before, y))
        for dot in range(first, last + 1):
            _set(grid, x, dot, series.style, mark)
        before = y


def _set(grid: list[list[tuple[str, Style]]], x: int, y: int, style: Style, mark: str) -> None:
    if mark:
        grid[y][x] = (mark, style)
        return
    row, column = y // 4, x // 2
    old = grid[row][column][0]
    bits = ord(old) - 0x2800 if old != " " else 0
    grid[row][column] = (chr(0x2800 + (bits | DOTS[y % 4][x % 2])), style)


def _runs(cells: Sequence[tuple[str, Style]]) -> list[Piece]:
    """Neighbours of one style as one piece: fewer bytes to the terminal."""
    pieces: list[Piece] = []
    for character, style in cells:
        if pieces and (pieces[-1].style == style or character == " "):
            pieces[-1] = Piece(pieces[-1].text + character, pieces[-1].style)
        else:
            pieces.append(Piece(character, style))
    return pieces


def _axis(plot: Plot, columns: int) -> str:
    form = "%H:%M:%S" if (plot.end - plot.start).total_seconds() < 600 else "%H:%M"
    first, last = plot.start.astimezone().strftime(form), plot.end.astimezone().strftime(f"{form} %z")
    gap = max(1, columns - width_of(first) - width_of(last))
    return f"{' ' * (LABEL_WIDTH + 1)}{first}{' ' * gap}{last}"


def _mark(index: int, is_ascii: bool) -> str:
    return ASCII_MARKS[index % len(ASCII_MARKS)] if is_ascii else "\u2022"


def _last(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)
