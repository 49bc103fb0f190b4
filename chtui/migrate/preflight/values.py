"""Values of v1 that v2 cannot hold, counted; names and texts that no column of v2 knows, listed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from chtui.fleet.literal import Value, quote_identifier
from chtui.migrate import definitions, expressions
from chtui.migrate.hosts import Host
from chtui.migrate.layout import UNBOUND
from chtui.migrate.preflight.findings import Finding, Kind, blocker, note, warning
from chtui.migrate.preflight.look import SCAN_SECONDS, Feed, Look
from chtui.migrate.preflight.losses import Loss, losses
from chtui.text import format_count, plural

MOST_VALUES = 200
"""Distinct values listed of one column."""
SHOWN_VALUES = 20
CONVERSION = re.compile(
    r"(?i:to(U?Int\d+|Float\d+|Decimal\d+|DateTime(64)?|Date(32)?)(OrZero|OrDefault|OrNull)?|CAST|accurateCast\w*)"
)
"""Functions with which a mapping converts a column on purpose."""
SILENT = {
    Kind.NULL: "the copy would stop there, or store the column's default instead",
    Kind.VALUE: "the copy would stop there",
    Kind.RANGE: "another value would be stored, with success",
    Kind.PRECISION: "values that differ would become one, with success",
}


class Check(NamedTuple):
    """One thing to count in a feed."""

    column: str
    """v2's."""
    loss: Loss
    is_chosen: bool
    """Whether the spec itself writes the conversion down."""
    value: str
    """The expression whose distinct values are listed."""


def check(look: Look) -> None:
    """Count, in one pass over each table of v1, the rows whose values v2 cannot hold."""
    source = look.source
    if source is None:
        return
    for feed in look.feeds:
        name = f"{look.spec.source.database}.{feed.source.name}"
        raw = raw_of(feed)
        types = look.one(source, f"types of {name}", partial(_types, look, feed, raw))
        if types is None:
            continue
        checks = checks_of(feed, raw, types)
        counts = look.one(source, f"values of {name}", partial(_counts, look, feed, checks)) if checks else []
        if counts is None:
            continue
        values = {
            index: look.one(source, f"values of {name}.{each.column}", partial(_values, look, feed, each))
            or []
            for index, each in enumerate(checks)
            if counts[index] and each.loss.kind is Kind.VALUE
        }
        look.add(judge(feed, checks, counts, values))


def raw_of(feed: Feed) -> dict[str, str]:
    """Return the expression over v1's columns, before it is made v2's type, of each column that is copied."""
    return {
        name: feed.source.mapping.get(name, quote_identifier(name))
        for name in feed.shape.columns
        if name in feed.source.mapping or name in feed.types
    }


def checks_of(feed: Feed, raw: Mapping[str, str], types: Mapping[str, str]) -> list[Check]:
    """Return what is to be counted, given the types of the expressions."""
    wanted = {name: definitions.parse(text).type for name, text in feed.table.columns.items()}
    found = []
    kept = set()
    for name, text in raw.items():
        taken = expressions.names(text)
        value = _value(feed, text)
        ways = losses(f"({text})", types[name], wanted[name])
        plain = expressions.normalized(text) in feed.types
        found += [Check(name, loss if plain else _mapped(loss), False, value) for loss in ways]
        if not ways and expressions.normalized(text) in taken:
            kept |= taken
    for name, text in raw.items():
        taken = expressions.names(text)
        if len(taken) != 1 or taken <= kept or not _is_conversion(text):
            continue
        (column,) = taken
        if column in feed.types:
            quoted = quote_identifier(column)
            found += [
                Check(name, loss, True, quoted) for loss in losses(quoted, feed.types[column], wanted[name])
            ]
    return found


def judge(
    feed: Feed,
    checks: Sequence[Check],
    counts: Sequence[int],
    values: Mapping[int, Sequence[tuple[str, int]]],
) -> list[Finding]:
    """A row that cannot be held is a blocker, unless the spec writes the conversion down; then it is counted and told."""
    found = []
    for index, (each, rows) in enumerate(zip(checks, counts, strict=True)):
        if not rows:
            continue
        name = f"{feed.source.name} > {feed.table.name}.{each.column}"
        kind, harm = each.loss.kind, each.loss.harm
        listed = values.get(index, ())
        told = [f"{value!r}: {format_count(number)}" for value, number in listed[:SHOWN_VALUES]]
        if len(listed) > SHOWN_VALUES:
            told.append(f"and {len(listed) - SHOWN_VALUES} more")
        evidence = ", ".join(told) or each.loss.condition
        if each.is_chosen:
            what = f"{plural(rows, 'row')} of v1: {harm}, as the mapping says"
            found.append(
                warning(kind, name, None, what, evidence=evidence, remedy="leave it if that is meant")
            )
        else:
            what = f"{plural(rows, 'row')} of v1: {harm}; {SILENT[kind]}"
            remedy = "map these values, or give the column a type that holds them"
            found.append(blocker(kind, name, None, what, evidence=evidence, remedy=remedy))
    if not found:
        what = f"every value of v1 has its place ({plural(len(checks), 'check')})"
        found.append(note(Kind.VALUE, f"{feed.source.name} > {feed.table.name}", None, what))
    return found


def _mapped(loss: Loss) -> Loss:
    """A NULL that an expression gives says that it knows no better."""
    if loss.kind is not Kind.NULL:
        return loss
    return Loss(Kind.VALUE, loss.condition, "the mapping has no value for it")


def _value(feed: Feed, text: str) -> str:
    """What is listed: the columns of v1 an expression is made of."""
    names = sorted(name for name in expressions.names(text) if name in feed.types)
    if len(names) == 1:
        return quote_identifier(names[0])
    return f"({', '.join(map(quote_identifier, names))})" if names else text


def _is_conversion(text: str) -> bool:
    called = expressions.functions(text) | (
        {"CAST"} if "CAST" in expressions.normalized(text).split() else set()
    )
    return bool(called) and all(CONVERSION.fullmatch(name) for name in called)


def _types(look: Look, feed: Feed, raw: Mapping[str, str], host: Host) -> dict[str, str]:
    params: dict[str, Value] = {
        "expressions": ",\n".join(f"({text}) AS chtui_{number}" for number, text in enumerate(raw.values())),
        "table": (look.spec.source.database, feed.source.name),
    }
    rows = host.rows("preflight_types", params)
    return dict(zip(raw, (str(row[1]) for row in rows), strict=True))


def _counts(look: Look, feed: Feed, checks: Sequence[Check], host: Host) -> list[int]:
    params: dict[str, Value] = {
        "conditions": ",\n".join(f"countIf({each.loss.condition})" for each in checks),
        "table": (look.spec.source.database, feed.source.name),
    }
    rows = host.rows("preflight_losses", params, seconds=SCAN_SECONDS, settings=host.known(UNBOUND))
    return [int(number) for number in rows[0][1]]


def _values(look: Look, feed: Feed, each: Check, host: Host) -> list[tuple[str, int]]:
    params: dict[str, Value] = {
        "value": each.value,
        "condition": each.loss.condition,
        "table": (look.spec.source.database, feed.source.name),
        "max_rows": MOST_VALUES,
    }
    rows = host.rows("preflight_values", params, seconds=SCAN_SECONDS, settings=host.known(UNBOUND))
    return [(str(value), int(number)) for value, number in rows]
