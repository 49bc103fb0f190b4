"""A predicate over rows, as it is typed: `user=app elapsed>60 kind=Select query~otel`; every term must hold."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from chtui.errors import UsageError
from chtui.text import one_line


class Kind(StrEnum):
    """What a field holds, and so what it may be compared with."""

    TEXT = "text"
    """Letters count as they are."""
    WORD = "word"
    """One of a few words; small and capital letters are the same."""
    NUMBER = "number"
    SECONDS = "duration"
    BYTES = "size"


class Field(NamedTuple):
    """What a name in a predicate stands for."""

    kind: Kind
    get: Callable[[Any], Any]
    """Its value in a record; None where that is not known."""


class Term(NamedTuple):
    """One condition."""

    name: str
    sign: str
    text: str
    """The value as it was typed, without quotes."""
    holds: Callable[[Any], bool]
    """Whether a record meets it; a value that is not known meets nothing."""


class Predicate(NamedTuple):
    """Conditions that must all hold."""

    text: str
    terms: tuple[Term, ...]

    def matches(self, record: Any) -> bool:
        """Return whether a record meets every condition."""
        return all(term.holds(record) for term in self.terms)


SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
TERM = re.compile(r"""\s*(?P<name>\w+)(?P<sign>!=|>=|<=|=|>|<|~)(?P<value>"[^"]*"|'[^']*'|\S*)(?=\s|$)""")
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([a-zA-Z]*)")
SECONDS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
COUNTS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
BYTES = {
    "b": 1,
    **{unit + tail: 1 << 10 * power for power, unit in enumerate("kmgtp", 1) for tail in ("", "ib")},
    **{unit + "b": 1000**power for power, unit in enumerate("kmgtp", 1)},
    "": 1,
}
"""A bare letter counts in 1024s, as ClickHouse's settings do."""
LONGEST = 2000
EXAMPLE = "write it like user=app elapsed>5m"


def parse_predicate(text: str, fields: Mapping[str, Field]) -> Predicate:
    """Return the predicate in `text`: terms NAME OP VALUE with blanks between them and none within, values quoted where they hold any.

    OP is one of = != > < >= <= and ~ (a regular expression found anywhere). Durations take ms s m h d, sizes KiB MiB
    GiB or kB MB GB.

    Raises:
        UsageError: it is empty, a term cannot be read, a name is unknown, or a value does not suit its field.
    """
    if len(text) > LONGEST:
        raise UsageError(f"longer than {LONGEST} characters", where="predicate")
    rest, terms = text.strip(), []
    if not rest:
        raise UsageError("nothing to select by: an empty predicate would mean everything", fix=EXAMPLE)
    while rest:
        match = TERM.match(rest)
        if match is None:
            raise UsageError(f"'{one_line(rest, 60)}' begins with no term NAME OP VALUE", fix=EXAMPLE)
        terms.append(_term(match["name"], match["sign"], match["value"], fields))
        rest = rest[match.end() :].lstrip()
    return Predicate(text.strip(), tuple(terms))


def _term(name: str, sign: str, value: str, fields: Mapping[str, Field]) -> Term:
    if name not in fields:
        raise UsageError(
            f"no field '{one_line(name, 40)}'; there are: {', '.join(sorted(fields))}", where="predicate"
        )
    field, where = fields[name], f"{name}{sign}"
    quoted = (
        len(value) > 1 and value[0] in ("'", '"') and value.count(value[0]) == 2 and value[-1] == value[0]
    )
    plain = value[1:-1] if quoted else value
    if not quoted and value[:1] in ("'", '"'):
        raise UsageError("a quote is not closed, or closed too early", where=where, fix=EXAMPLE)
    if not quoted and sign != "~" and (not plain or re.search(r"[=<>~!'\"]", plain)):
        what = f"'{one_line(plain, 40)}' looks like more than a value" if plain else "the value is missing"
        raise UsageError(what, where=where, fix=f"put it in quotes, or {EXAMPLE}")
    if field.kind in (Kind.TEXT, Kind.WORD):
        return Term(name, sign, plain, _text_test(field, sign, plain, where))
    if sign == "~":
        raise UsageError(f"{name} is a {field.kind}, ~ is for text", where=where, fix="use = != > < >= <=")
    wanted, compare = _quantity(field.kind, plain, where), SIGNS[sign]
    return Term(name, sign, plain, lambda record: _known(field, record, lambda found: compare(found, wanted)))


def _text_test(field: Field, sign: str, wanted: str, where: str) -> Callable[[Any], bool]:
    if sign == "~":
        if not wanted:
            raise UsageError("an empty expression would match everything", where=where, fix=EXAMPLE)
        try:
            # As the filter has it: small letters match both cases, a capital one makes it exact.
            pattern = re.compile(wanted, re.IGNORECASE if wanted == wanted.lower() else 0)
        except (re.error, OverflowError, RecursionError) as error:
            raise UsageError(f"no regular expression: {error}", where=where) from error
        return lambda record: _known(field, record, lambda found: pattern.search(str(found)) is not None)
    if sign not in ("=", "!="):
        raise UsageError("text has no order", where=where, fix="use = != or ~")
    if field.kind is Kind.WORD:
        wanted = wanted.casefold()
        return lambda record: _known(
            field, record, lambda found: (str(found).casefold() == wanted) is (sign == "=")
        )
    return lambda record: _known(field, record, lambda found: (str(found) == wanted) is (sign == "="))


def _known(field: Field, record: Any, test: Callable[[Any], bool]) -> bool:
    found = field.get(record)
    return found is not None and test(found)


def _quantity(kind: Kind, text: str, where: str) -> float:
    """The number in `text`, in seconds, bytes or ones; durations may have several parts (`1h30m`)."""
    units: Mapping[str, float] = {Kind.SECONDS: SECONDS, Kind.BYTES: BYTES, Kind.NUMBER: COUNTS}[kind]
    total, at, parts = 0.0, 0, 0
    while (match := QUANTITY.match(text, at)) is not None:
        unit = match[2] if kind is Kind.SECONDS else match[2].lower()
        if unit not in units or (parts and (kind is not Kind.SECONDS or not unit)):
            break
        total, at, parts = total + float(match[1]) * units[unit], match.end(), parts + 1
    if not parts or at != len(text):
        known = " ".join(name for name in units if name)
        raise UsageError(
            f"'{one_line(text, 40)}' is no {kind}", where=where, fix=f"give a number, with one of: {known}"
        )
    return total
