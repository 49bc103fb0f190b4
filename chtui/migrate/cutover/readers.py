"""What reads v1: every query pattern of the last days, asked of v2 as well, over the same window, and the answers compared."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from chtui.errors import ChtuiError, QueryError
from chtui.fleet.literal import Value, quote_identifier
from chtui.migrate.cutover import answers, literals
from chtui.migrate.cutover.answers import Answer, Side
from chtui.migrate.cutover.checks import UNKNOWN, Finding
from chtui.migrate.cutover.rewrite import Doubt, Names, Rewritten, filters, rewritten
from chtui.migrate.cutover.server import PATTERNS_SINCE, now_seconds, write_logs
from chtui.migrate.ddl import instant
from chtui.migrate.digests import NANOSECONDS
from chtui.migrate.hosts import Host
from chtui.migrate.schema import FORMATS_SINCE
from chtui.migrate.spec import Spec
from chtui.migrate.stand import Stand
from chtui.text import format_count, one_line, plural

WINDOW_SECONDS = 7 * 86400
"""How far back the log is read. Source: the plan, a week of dashboards."""
MOST_PATTERNS = 200
READ_SECONDS = 300.0
"""How long the log may take to be read."""
TRIES = 3
"""How often answers that differ are asked for anew where rows cannot be bounded in time, and come meanwhile."""
AT_ONCE = 2
"""So many queries are compared side by side."""
NAME_DIGITS = 6
TEXT_CHARACTERS = 400
FILTERS = "additional_table_filters"


class Verdict(StrEnum):
    """What came of a comparison."""

    EQUAL = "equal"
    DIFFERS = "differs"
    UNKNOWN_VALUE = "unknown value"
    """It compares a column with what v2's Enum cannot hold: it gives no rows there, whatever they are."""
    NOT_COMPARED = "not compared"


@dataclass(frozen=True, slots=True)
class Reader:
    """One query pattern."""

    name: str
    """`query 3f2a9c`, the same as long as text and database are."""
    text: str
    """The last query of it, made safe to draw."""
    users: tuple[str, ...]
    queries: int
    last_seconds: int
    """When it was last seen, since 1970."""
    is_through: bool
    """Whether another host asked for it: its own text is that host's."""
    verdict: Verdict
    why: str = ""

    @property
    def finding(self) -> Finding | None:
        """What stands in the way because of it."""
        if self.verdict is Verdict.EQUAL:
            return None
        who = ", ".join(self.users[:3]) + (" and others" if self.users[3:] else "")
        what = (
            f"{self.why}; {format_count(self.queries)} times in 7 days by {who}: {one_line(self.text, 160)}"
        )
        remedy = f"correct the query for v2, or accept {self.name}"
        return Finding(self.name, f"{self.verdict}: {what}", remedy)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "users": list(self.users),
            "verdict": str(self.verdict),
        }


@dataclass(frozen=True, slots=True)
class Readers:
    """All of them."""

    readers: tuple[Reader, ...]
    users: tuple[str, ...]
    """Who was seen reading v1."""
    at_seconds: int
    """The end of the window that both answers are about, since 1970."""
    trouble: str = ""
    """Why more may read v1 than is known; empty where all is."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What stands in the way."""
        found = tuple(each.finding for each in self.readers if each.finding is not None)
        if not self.trouble:
            return found
        return (
            *found,
            Finding("readers", self.trouble, "see who reads v1 by other means, then accept readers", UNKNOWN),
        )

    @property
    def evidence(self) -> str:
        """How many of what, in a line."""
        if not self.readers:
            return self.trouble or "nobody was seen reading v1 in 7 days"
        counts = {verdict: sum(each.verdict is verdict for each in self.readers) for verdict in Verdict}
        told = ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)
        return f"{plural(len(self.readers), 'pattern')} of {plural(len(self.users), 'user')}: {told}"


class Pattern(NamedTuple):
    """One row of the log."""

    key: str
    is_initial: bool
    run_in: str
    used: tuple[str, ...] | None
    """Tables of v1 that the server saw in use; None where it does not tell."""
    users: tuple[str, ...]
    queries: int
    last_seconds: int
    example: str
    texts: tuple[str, ...]


def look(stand: Stand, *, say: Callable[[str], None] = lambda _: None) -> Readers:
    """Compare every query pattern seen on v1 with what it gives of v2; nothing is changed. `say` is told each as it is done.

    Raises:
        ConnectError, QueryError: v1's host does not tell.
    """
    spec, source = stand.ground.spec, stand.ground.hosts.source
    at_seconds = int(now_seconds(source) - spec.retention.lateness_seconds)
    try:
        write_logs(source)
        patterns = read(source, spec)
    except QueryError as error:
        return Readers(
            (), (), at_seconds, f"the query log of {source.id} cannot be read: {one_line(error.what)}"
        )
    left_off = f"there are more than {MOST_PATTERNS} patterns" if len(patterns) > MOST_PATTERNS else ""
    patterns = patterns[:MOST_PATTERNS]
    comparison = _Comparison(stand, at_seconds)

    def one(numbered: tuple[int, Pattern]) -> Reader:
        found = comparison.of(*numbered)
        say(f"{found.name}: {found.verdict}")
        return found

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="readers") as pool:
        readers = tuple(pool.map(one, enumerate(patterns)))
    users = tuple(sorted({user for pattern in patterns for user in pattern.users}))
    return Readers(readers, users, at_seconds, left_off)


def read(host: Host, spec: Spec) -> list[Pattern]:
    """Return the patterns of SELECTs seen on v1's tables, the most frequent first, one more than are compared at most.

    Raises:
        ConnectError, QueryError: the host does not tell.
    """
    bounds: dict[str, Value] = {"window_seconds": WINDOW_SECONDS, "max_rows": MOST_PATTERNS + 1}
    settings: Mapping[str, int | str] = {"max_threads": 2}
    if host.version < PATTERNS_SINCE:
        names: list[Value] = [source.name for table in spec.tables for source in table.sources]
        rows = host.rows(
            "cutover_readers_old", {**bounds, "names": names}, seconds=READ_SECONDS, settings=settings
        )
        return [
            Pattern(
                str(key),
                bool(first),
                "",
                None,
                _texts(users),
                int(count),
                int(last),
                str(text),
                _texts(texts),
            )
            for key, first, users, count, last, text, texts in rows
        ]
    rows = host.rows(
        "cutover_readers",
        {**bounds, "database": spec.source.database},
        seconds=READ_SECONDS,
        settings=settings,
    )
    return [
        Pattern(
            key=f"{key} {run_in}",
            is_initial=bool(first),
            run_in=str(run_in),
            used=_own(tables, spec.source.database),
            users=_texts(users),
            queries=int(count),
            last_seconds=int(last),
            example=str(text),
            texts=_texts(texts),
        )
        for key, first, run_in, tables, users, count, last, text, texts in rows
    ]


def name_of(pattern: Pattern) -> str:
    """Return a pattern's name."""
    return f"query {hashlib.sha256(pattern.key.encode()).hexdigest()[:NAME_DIGITS]}"


def names_of(spec: Spec) -> Names:
    """Return what is called how in v1 and in v2."""
    tables = {source.name: table.name for table in spec.tables for source in table.sources}
    return Names(spec.source.database, spec.target.database, tables, spec.not_mapped)


class _Comparison:
    """One round of comparisons, all about the same window."""

    def __init__(self, stand: Stand, at_seconds: int) -> None:
        self._spec = stand.ground.spec
        self._hosts = stand.ground.hosts
        self._at_seconds = at_seconds
        self._names = names_of(self._spec)
        self._sealed = stand.facts().sealed
        at_ns = at_seconds * NANOSECONDS
        shapes = stand.ground.shapes
        self._source_times = {
            source.name: f"{shapes[table.name, source.name].values[table.time]} < {instant(table, at_ns)}"
            for table in self._spec.tables
            for source in table.sources
        }
        self._target_times = {
            table.name: f"{quote_identifier(table.time)} < {instant(table, at_ns)}"
            for table in self._spec.tables
        }

    def of(self, number: int, pattern: Pattern) -> Reader:
        verdict, why = self._verdict(number, pattern)
        return Reader(
            name=name_of(pattern),
            text=one_line(pattern.example, TEXT_CHARACTERS),
            users=pattern.users,
            queries=pattern.queries,
            last_seconds=pattern.last_seconds,
            is_through=not pattern.is_initial,
            verdict=verdict,
            why=why,
        )

    def _verdict(self, number: int, pattern: Pattern) -> tuple[Verdict, str]:
        try:
            question = self._rewritten(pattern.example, pattern)
        except Doubt as doubt:
            return Verdict.NOT_COMPARED, str(doubt)
        tables = [
            table
            for table in self._spec.tables
            if any(each.name in question.tables for each in table.sources)
        ]
        unsealed = [table.name for table in tables if table.name not in self._sealed]
        if unsealed:
            return Verdict.NOT_COMPARED, f"{', '.join(unsealed)} is not sealed yet"
        strange = [
            each
            for text in dict.fromkeys((pattern.example, *pattern.texts))
            for each in literals.unknown(text, literals.enums_of(tables))
        ]
        # Every host of v2 is asked in turn.
        targets = self._hosts.targets
        try:
            told = self._compared(question, targets[number % len(targets)])
        except ChtuiError as error:
            return Verdict.NOT_COMPARED, error.line
        if strange:
            values = ", ".join(f"{each.column} has no {each.value!r}" for each in dict.fromkeys(strange))
            return Verdict.UNKNOWN_VALUE, one_line(f"in v2 {values}{f'; {told[1]}' if told[1] else ''}")
        return told

    def _rewritten(self, text: str, pattern: Pattern) -> Rewritten:
        return rewritten(
            self._formatted(text),
            self._names,
            run_in=pattern.run_in,
            used=pattern.used,
            now_seconds=self._at_seconds,
        )

    def _formatted(self, text: str) -> str:
        """The text as the server writes it; one it cannot parse is none."""
        host = self._hosts.source
        if host.version < FORMATS_SINCE:
            return text
        try:
            return str(host.rows("formatted", {"texts": [text]})[0][0])
        except QueryError as error:
            raise Doubt(f"the server cannot parse it: {one_line(error.what, 120)}") from error

    def _compared(self, question: Rewritten, host: Host) -> tuple[Verdict, str]:
        source = self._side(self._hosts.source, question.v1, self._names.source, self._source_times)
        target = self._side(host, question.v2, self._names.target, self._target_times)
        wrong = ""
        for _ in range(TRIES):
            first, second = answers.answer(source), answers.answer(target)
            if isinstance(first, str):
                return Verdict.NOT_COMPARED, f"v1 gives nothing to compare: {first}"
            if isinstance(second, str):
                return Verdict.NOT_COMPARED, f"v2 gives nothing to compare: {second}"
            wrong = answers.difference(first, second)
            if not wrong:
                return Verdict.EQUAL, ""
            again = answers.answer(source)
            if isinstance(again, Answer) and FILTERS in source.settings and answers.difference(first, again):
                return Verdict.NOT_COMPARED, "v1 itself answers otherwise each time"
            if FILTERS in source.settings and FILTERS in target.settings:
                break
        return Verdict.DIFFERS, wrong

    def _side(self, host: Host, query: str, database: str, times: Mapping[str, str]) -> Side:
        bound = {FILTERS: filters(times, database)}
        return Side(host, query, host.known(bound))


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(each) for each in values)


def _own(tables: Sequence[Any], database: str) -> tuple[str, ...]:
    """Those of one database, without it; the log writes names that need it in backquotes."""
    found = [str(each).replace("`", "") for each in tables]
    return tuple(each.removeprefix(f"{database}.") for each in found if each.startswith(f"{database}."))
