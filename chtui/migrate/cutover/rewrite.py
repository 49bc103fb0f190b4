"""A reader's query about v1 as the same question about v2: names of tables exchanged, the present bound to one instant. Pure.

Where the text leaves any doubt, it says so instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from chtui.fleet.literal import literal, quote_identifier
from chtui.migrate.expressions import PAIRS, Token, parts, tokens, unquoted
from chtui.migrate.statements import table_name

BEFORE_TABLES = ("FROM", "JOIN")
ENDS_TABLES = frozenset(
    ("ARRAY", "FORMAT", "GROUP", "HAVING", "LIMIT", "ON", "ORDER", "PREWHERE", "QUALIFY", "SELECT", "SETTINGS", "UNION", "USING", "WHERE", "WINDOW")
)  # fmt: skip
REFUSED_FUNCTIONS = (
    "cluster", "clusterAllReplicas", "dictGet", "dictHas", "dictionary", "joinGet", "merge", "remote", "remoteSecure",
)  # fmt: skip
"""Functions by which a query reads what their arguments name; a name is compared with the beginning of it."""
OWN_SETTINGS = frozenset(
    (
        "additional_table_filters", "log_comment", "max_execution_time", "max_result_bytes", "max_result_rows", "max_threads", "readonly",
        "result_overflow_mode", "timeout_overflow_mode",
    )
)  # fmt: skip
"""Settings of the reader's that give way to those of the comparison."""
NOW = {
    "now": "toDateTime({now}{more})",
    "now64": "toDateTime64({now}, {digits})",
    "today": "toDate(toDateTime({now}))",
    "current_date": "toDate(toDateTime({now}))",
    "curdate": "toDate(toDateTime({now}))",
    "yesterday": "(toDate(toDateTime({now})) - 1)",
    "current_timestamp": "toDateTime({now})",
}
"""Functions of the present, in lower case, and what they give at one instant."""
TEXT_AT = 3
"""The digits of now64 unless given."""


class Doubt(Exception):
    """Why a query cannot be rewritten with certainty."""


@dataclass(frozen=True, slots=True)
class Names:
    """What is called how."""

    source: str
    """v1's database."""
    target: str
    """v2's."""
    tables: Mapping[str, str]
    """v1's tables that readers may ask, and the name of each in v2."""
    left_behind: Mapping[str, str]
    """Objects of v1 that have no counterpart, and why."""


class Rewritten(NamedTuple):
    """One question in two forms."""

    v1: str
    v2: str
    tables: frozenset[str]
    """v1's tables it is about."""


class _Edit(NamedTuple):
    start: int
    end: int
    v1: str
    v2: str


def rewritten(
    text: str, names: Names, *, run_in: str, used: Collection[str] | None, now_seconds: int
) -> Rewritten:
    """Return a query about v1's tables, by their whole names and at one instant, and the same about v2's.

    `run_in` is the database in which bare names are, empty where that is not known; `used` are the tables of v1 the server
    saw in use, None where it does not tell.

    Raises:
        Doubt: it cannot be done with certainty.
    """
    found = tokens(text)
    _demand_plain(found)
    seen = _Tables(found, names, run_in).all()
    edits = [edit for edit, _ in seen]
    tables = frozenset(name for _, name in seen if name)
    if not tables:
        raise Doubt("its text names no table of v1")
    missed = set(used or ()) - tables
    if missed:
        raise Doubt(_no_counterpart(names, min(missed)))
    edits += [*_present(found, now_seconds), *_tail(text, found)]
    return Rewritten(_edited(text, edits, 0), _edited(text, edits, 1), tables)


def _demand_plain(found: list[Token]) -> None:
    for index, token in enumerate(found):
        after = found[index + 1].text if index + 1 < len(found) else ""
        if token.text in ("{", ";"):
            raise Doubt(f"its text holds {token.text}")
        if token.kind == "word" and after == "(" and token.text.startswith(REFUSED_FUNCTIONS):
            raise Doubt(f"it reads through the function {token.text}")
        if token.kind == "word" and token.text.upper() == "OUTFILE":
            raise Doubt("it writes a file")


def _table_places(found: list[Token]) -> set[int]:
    """Where a name stands for a table: after FROM and JOIN, and after commas in FROM."""
    result: set[int] = set()
    depth, lists = 0, set[int]()
    for index, token in enumerate(found):
        if token.text in PAIRS.values():
            depth += 1
        elif token.text in PAIRS:
            lists.discard(depth)
            depth -= 1
        elif token.kind == "word" and token.text.upper() in BEFORE_TABLES:
            lists.add(depth)
            result.add(index + 1)
        elif token.kind == "word" and token.text.upper() in ENDS_TABLES:
            lists.discard(depth)
        elif token.text == "," and depth in lists:
            result.add(index + 1)
    return result


def _own_tables(found: list[Token]) -> set[str]:
    """Names the query gives to parts of itself: WITH name AS (SELECT ...)."""
    return {
        unquoted(token.text)
        for index, token in enumerate(found[:-2])
        if token.kind in ("word", "quoted")
        and found[index + 1].text.upper() == "AS"
        and found[index + 2].text == "("
    }


class _Tables:
    """The places in a query that name tables."""

    def __init__(self, found: list[Token], names: Names, run_in: str) -> None:
        self._found = found
        self._names = names
        self._run_in = run_in
        self._places = _table_places(found)
        self._own = _own_tables(found)

    def all(self) -> list[tuple[_Edit, str]]:
        """Return what is written in each place, and the table of v1 that is named there; empty for one of another database."""
        result: list[tuple[_Edit, str]] = []
        index = 0
        while index < len(self._found):
            edit = self._at(index)
            if edit is not None:
                result.append(edit)
            dotted = edit is not None and self._is_dotted(index)
            index += 3 if dotted else 1
        return result

    def _at(self, index: int) -> tuple[_Edit, str] | None:
        token = self._found[index]
        if token.kind not in ("word", "quoted") or (index and self._found[index - 1].text == "."):
            return None
        name = unquoted(token.text)
        if self._is_dotted(index):
            if name != self._names.source:
                return None
            return self._whole(index, index + 2, unquoted(self._found[index + 2].text))
        if index not in self._places or self._is_called(index) or name in self._own:
            return None
        if not self._run_in:
            raise Doubt(f"which database {name} is in is not known")
        if self._run_in != self._names.source:
            written = table_name(self._run_in, name)
            return _Edit(token.start, token.start + len(token.text), written, written), ""
        return self._whole(index, index, name)

    def _whole(self, first: int, last: int, table: str) -> tuple[_Edit, str]:
        if table not in self._names.tables:
            raise Doubt(_no_counterpart(self._names, table))
        end = self._found[last]
        after = self._found[last + 1] if last + 1 < len(self._found) else None
        # Columns may be named by the table's own name.
        named = after is not None and (after.text.upper() == "AS" or after.kind == "quoted")
        renamed = first in self._places and self._names.tables[table] != table and not named
        alias = f" AS {quote_identifier(table)}" if renamed else ""
        edit = _Edit(
            self._found[first].start,
            end.start + len(end.text),
            table_name(self._names.source, table),
            table_name(self._names.target, self._names.tables[table]) + alias,
        )
        return edit, table

    def _is_dotted(self, index: int) -> bool:
        after = self._found[index + 1 : index + 3]
        return len(after) == 2 and after[0].text == "." and after[1].kind in ("word", "quoted")

    def _is_called(self, index: int) -> bool:
        return index + 1 < len(self._found) and self._found[index + 1].text == "("


def _no_counterpart(names: Names, table: str) -> str:
    why = names.left_behind.get(table, "")
    return f"it reads {names.source}.{table}, which has no counterpart in v2{f': {why}' if why else ''}"


def _present(found: list[Token], now_seconds: int) -> list[_Edit]:
    """Functions of the present replaced by one instant."""
    edits: list[_Edit] = []
    for index, token in enumerate(found[:-2]):
        form = NOW.get(token.text.lower()) if token.kind == "word" else None
        if form is None or found[index + 1].text != "(":
            continue
        close = next((place for place in range(index + 2, len(found)) if found[place].text == ")"), index)
        inside = [each.text for each in found[index + 2 : close]]
        digits = inside[0] if inside and inside[0].isdigit() else str(TEXT_AT)
        more = f", {inside[0]}" if inside else ""
        written = form.format(now=now_seconds, digits=digits, more=more)
        edits.append(_Edit(token.start, found[close].start + 1, written, written))
    return edits


def _tail(text: str, found: list[Token]) -> list[_Edit]:
    """FORMAT taken away, and those of the query's own settings that give way."""
    depth = 0
    cuts: list[tuple[str, int]] = []
    for index, token in enumerate(found):
        depth += (token.text in PAIRS.values()) - (token.text in PAIRS)
        word = token.text.upper() if token.kind == "word" and depth == 0 else ""
        before = found[index - 1].text.upper() if index else ""
        is_name = (
            index + 1 < len(found)
            and found[index + 1].kind == "word"
            and before not in (",", ".", "AS", "SELECT")
        )
        if word in ("FORMAT", "SETTINGS") and is_name:
            cuts.append((word, index))
    edits: list[_Edit] = []
    for number, (word, index) in enumerate(cuts):
        last = cuts[number + 1][1] if number + 1 < len(cuts) else len(found)
        end = found[last].start if last < len(found) else len(text)
        start = found[index].start
        kept = ""
        if word == "SETTINGS":
            given = parts(text[found[index + 1].start : end]) if index + 1 < last else []
            left = [each for each in given if each.partition("=")[0].strip() not in OWN_SETTINGS]
            kept = f"SETTINGS {', '.join(left)} " if left else ""
        edits.append(_Edit(start, end, kept, kept))
    return edits


def _edited(text: str, edits: list[_Edit], side: int) -> str:
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits):
        pieces += [text[at : edit.start], edit.v2 if side else edit.v1]
        at = edit.end
    return "".join([*pieces, text[at:]]).strip()


def filters(tables: Mapping[str, str], database: str) -> str:
    """Return the value of `additional_table_filters` by which only some rows of tables of a database are read."""
    pairs = [f"{literal(f'{database}.{name}')}: {literal(condition)}" for name, condition in tables.items()]
    return "{" + ", ".join(pairs) + "}"
