"""Commands on tables and their rows, and what is dangerous."""

from __future__ import annotations

from chtui.commands.base import Command


class Open(Command):
    """Drill into the row."""

    keys, shown = "enter", "enter"
    title, help, footer = "Open", "Show what is behind the row under the cursor.", "open"
    group = "Table"


class GoTo(Command):
    """Go to what has to do with the row."""

    keys, shown = "x", "x"
    title, help, footer = (
        "Go to",
        "Choose a place that has to do with the row under the cursor: its host, table, znode.",
        "go to",
    )
    group = "Table"


class Act(Command):
    """Do something dangerous with the marked rows, or the one under the cursor."""

    keys, shown = "ctrl+d", "ctrl+d"
    title, help = (
        "Act",
        "Act on the marked rows, or the one under the cursor: shown first, armed by :write only.",
    )
    group = "Danger"
    is_dangerous = True


class Detail(Command):
    """Show the whole row."""

    keys, shown = "d", "d"
    title, help, footer = "Detail", "Show every field of the row under the cursor, uncut.", "detail"
    group = "Table"


class CopyCell(Command):
    """Copy the cell."""

    keys, shown = "y", "y"
    title, help = "Copy cell", "Copy the cell under the cursor to the terminal's clipboard (OSC 52)."
    group = "Table"


class CopyRow(Command):
    """Copy the row's own text."""

    keys, shown = "Y,shift+y", "Y"
    title, help = (
        "Copy row",
        "Copy the row's whole text, as its SQL or exception, or all its cells, to the terminal's clipboard (OSC 52).",
    )
    group = "Table"


class MarkAll(Command):
    """Mark every row that is shown."""

    keys, shown = "asterisk", "*"
    title, help = "Mark all", "Mark every row that passes the filter; again to unmark all."
    group = "Table"


class Mark(Command):
    """Mark the row."""

    keys, shown = "space", "space"
    title, help = "Mark", "Mark or unmark the row under the cursor and go down."
    group = "Table"


class Sort(Command):
    """Sort ascending."""

    keys, shown = "s", "s"
    title, help, footer = (
        "Sort",
        "Sort by the column under the cursor; again to return to the own order.",
        "sort",
    )
    group = "Table"


class SortReverse(Command):
    """Sort descending."""

    keys, shown = "S,shift+s", "S"
    title, help = (
        "Sort descending",
        "Sort by the column under the cursor, largest first; again to return to the own order.",
    )
    group = "Table"


class Kill(Command):
    """Kill queries by predicate."""

    title, help = (
        "Kill queries",
        "Kill the running queries that fit, as `:kill user=app elapsed>60s`: shown first, armed by :write only.",
    )
    names, takes = ("kill",), "PREDICATE"
    group = "Danger"
    is_dangerous = True


class Write(Command):
    """Arm the cluster."""

    title, help = (
        "Arm",
        "Allow dangerous actions on this cluster for some minutes, 10 without a number; `:write off` ends it.",
    )
    names, takes = ("write",), "[MINUTES | off]"
    group = "Danger"
