"""Text of several lines as the rows of a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from chtui.text import format_count
from chtui.views.table import Row, cell, number

MOST_CHARACTERS = 4000
"""What is drawn of one line."""


class Line(Protocol):
    """A numbered line."""

    @property
    def line(self) -> int:
        """Its number, from 1."""
        ...

    @property
    def text(self) -> str:
        """Its text."""
        ...


def line_rows(facts: Iterable[Line], whole: str) -> tuple[Row, ...]:
    """Return a row for each line; each copies the whole text."""
    return tuple(
        Row(
            str(fact.line),
            (
                number(fact.line, format_count, "muted"),
                cell(fact.text.expandtabs(4), limit=MOST_CHARACTERS),
            ),
            copy=whole,
        )
        for fact in facts
    )
