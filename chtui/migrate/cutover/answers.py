"""Two answers to one question, as multisets of rows: what a query gives of v1, and of v2."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chtui.errors import ConnectError, QueryError
from chtui.fleet.literal import Value
from chtui.migrate.hosts import Host
from chtui.text import one_line

FORMAT_ROW_SINCE = (20, 8)
"""The first version with `formatRow`. Source: ClickHouse 20.8 changelog."""
MOST_ROWS = 10_000
"""More rows than that are not compared."""
ANSWER_SECONDS = 60.0
CLOSE = 1e-9
"""How far two floating point numbers may be apart, as a part of the greater: sums in another order differ so."""
EXAMPLE_CHARACTERS = 160
INSTANT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)?")
BOUNDS: Mapping[str, int | str] = {
    # 1 would forbid the settings of the query itself; both only read.
    "readonly": 2,
    "max_threads": 2,
    "max_result_rows": MOST_ROWS + 1,
    "max_result_bytes": 200_000_000,
    "result_overflow_mode": "throw",
    "timeout_overflow_mode": "throw",
    "max_execution_time": int(ANSWER_SECONDS),
}


class Side(NamedTuple):
    """Where one answer comes from."""

    host: Host
    query: str
    settings: Mapping[str, int | str]


class Answer(NamedTuple):
    """What a query gave."""

    columns: tuple[tuple[str, str], ...]
    """Names and types."""
    rows: tuple[tuple[Any, ...], ...]


def answer(side: Side) -> Answer | str:
    """Return what a query gives, or why it gives nothing.

    Raises:
        ConnectError: the host cannot be asked.
    """
    settings = {**BOUNDS, **side.settings}
    old = side.host.version < FORMAT_ROW_SINCE
    try:
        types = side.host.rows(
            "cutover_answer_types", {"query": side.query}, seconds=ANSWER_SECONDS, settings=settings
        )
        params: dict[str, Value] = {"query": side.query, "max_rows": MOST_ROWS + 1}
        name = "cutover_answer_old" if old else "cutover_answer"
        rows = side.host.rows(name, params, seconds=ANSWER_SECONDS, settings=settings)
    except ConnectError:
        raise
    except QueryError as error:
        return one_line(error.what)
    if len(rows) > MOST_ROWS:
        return f"it gives more than {MOST_ROWS} rows"
    columns = tuple((str(row[0]), str(row[1])) for row in types)
    return Answer(columns, tuple(tuple(row) if old else tuple(json.loads(row[0])) for row in rows))


def difference(one: Answer, other: Answer) -> str:
    """Return how v2's answer differs from v1's, empty where it has the same rows under the same names."""
    names = [[name for name, _ in each.columns] for each in (one, other)]
    if names[0] != names[1]:
        missing = [name for name in names[0] if name not in names[1]]
        more = [name for name in names[1] if name not in names[0]]
        told = [
            *([f"v2 lacks {', '.join(missing[:5])}"] if missing else []),
            *([f"v2 also has {', '.join(more[:5])}"] if more else []),
        ]
        return f"columns: {one_line('; '.join(told) or 'another order')}"
    if len(one.rows) != len(other.rows):
        return f"v1 gives {len(one.rows)} rows, v2 {len(other.rows)}{_example(one, other)}"
    rows = [sorted(map(_comparable, each.rows), key=_order) for each in (one, other)]
    wrong = sum(not _same(a, b) for a, b in zip(*rows, strict=True))
    return f"{wrong} of {len(one.rows)} rows differ{_example(one, other)}" if wrong else ""


class _Row(NamedTuple):
    texts: tuple[str, ...]
    numbers: tuple[int | float, ...]


def _comparable(row: Sequence[Any]) -> _Row:
    numbers = tuple(each for each in row if _is_number(each))
    return _Row(tuple("#" if _is_number(each) else _text(each) for each in row), numbers)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    """One text for values that differ only in how they are written."""
    if isinstance(value, str):
        match = INSTANT.fullmatch(value)
        if match is None:
            return f"'{value}"
        return f"'{match[1]}{(match[2] or '').rstrip('0').rstrip('.')}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(sorted(f'{key}: {_text(each)}' for key, each in value.items()))}}}"
    # Nine digits hide what the order of a sum changes; whole numbers stay whole.
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _order(row: _Row) -> tuple[tuple[str, ...], tuple[float, ...]]:
    return row.texts, tuple(float(each) for each in row.numbers)


def _same(one: _Row, other: _Row) -> bool:
    return one.texts == other.texts and all(
        a == b
        if isinstance(a, int) and isinstance(b, int)
        else math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-12)
        for a, b in zip(one.numbers, other.numbers, strict=True)
    )


def _example(one: Answer, other: Answer) -> str:
    """The first row only one of them has."""
    sides = [sorted(map(_comparable, each.rows), key=_order) for each in (one, other)]
    for name, mine, others in (("v1", sides[0], sides[1]), ("v2", sides[1], sides[0])):
        left = list(others)
        for row in mine[:1000]:
            match = next((each for each in left if _same(row, each)), None)
            if match is None:
                numbers = iter(row.numbers)
                told = [str(next(numbers)) if text == "#" else text.removeprefix("'") for text in row.texts]
                return f", e.g. only {name} has {one_line(', '.join(told), EXAMPLE_CHARACTERS)}"
            left.remove(match)
    return ""
