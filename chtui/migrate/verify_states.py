"""An aggregate beside its base: for each full key, what the states say and what the rows on the same host give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from chtui.errors import ChtuiError
from chtui.fleet.literal import Value, literal, quote_identifier
from chtui.migrate import definitions, expressions
from chtui.migrate.ddl import instant
from chtui.migrate.digests import NANOSECONDS
from chtui.migrate.expiry import at, rule_of
from chtui.migrate.hosts import Host, each
from chtui.migrate.layout import Ground
from chtui.migrate.look import both, of_partition, partitions
from chtui.migrate.questions import Questions
from chtui.migrate.spec import AggregateSpec, TableSpec
from chtui.migrate.verification import AggregateCheck, KeyDifference
from chtui.text import sanitize

EXACT = (
    *("count", "sum", "min", "max", "uniqExact", "groupBitAnd", "groupBitOr", "groupBitXor"),
    *("quantileDD", "quantilesDD", "quantileExact", "quantilesExact", "medianExact"),
)
"""Functions that give the same whatever the order of rows and merges."""
NEAR = {
    **dict.fromkeys(("avg",), 1e-9),
    **dict.fromkeys(("uniq", "uniqCombined", "uniqCombined64", "uniqHLL12", "uniqTheta"), 0.01),
}
"""How far, relatively, values of other functions may lie apart. Source: the plan's measures."""
FLOAT_SUM = 1e-9
"""The same for sums of floats, whose last bits depend on the order of rows."""
FLOATS = ("Float32", "Float64", "BFloat16")
EXAMPLES = 5
"""Keys that are named for a partition on a host."""
BOTH = "in_states != 0 AND in_base != 0"


class StateColumn(NamedTuple):
    """A column of states and how its values are compared."""

    name: str
    merged: str
    """The value out of states."""
    computed: str
    """The value out of the base's rows."""
    apart: float
    """How far, relatively, the two may lie apart; 0 for exactly equal."""


def columns_of(aggregate: AggregateSpec) -> list[StateColumn]:
    """Return the columns whose values can be compared."""
    found: list[StateColumn] = []
    for name in aggregate.states:
        function, arguments, is_simple = _function(aggregate.columns[name])
        apart = _apart(function, arguments)
        if apart is None:
            continue
        column = quote_identifier(name)
        if is_simple:
            found.append(StateColumn(name, f"{function}({column})", aggregate.select[name], apart))
            continue
        head, bracket, rest = function.partition("(")
        merged = f"{head}Merge{bracket}{rest}({column})"
        found.append(StateColumn(name, merged, f"finalizeAggregation({aggregate.select[name]})", apart))
    return found


def is_aging_apart(ground: Ground, aggregate: AggregateSpec) -> bool:
    """Return whether rows of the base may be gone, and nobody can tell by the states which."""
    base = next(table for table in ground.spec.tables if table.name == aggregate.base)
    if base.name not in ground.left_out:
        return False
    if aggregate.expires and not rule_of(aggregate.expires).names <= set(aggregate.keys):
        return True
    known = {base.time, *_at(base, quote_identifier(base.time))}
    is_known = bool(aggregate.time) and expressions.names(aggregate.select[aggregate.time]) <= known
    return bool(base.expires) and not (is_known and rule_of(base.expires).names <= known)


def not_verified(aggregate: AggregateSpec) -> dict[str, str]:
    """Return the columns whose values cannot be compared, and why."""
    known = {column.name for column in columns_of(aggregate)}
    return {
        name: f"nothing is known of how equal states of {_function(aggregate.columns[name])[0]} are"
        for name in aggregate.states
        if name not in known
    }


def check(
    ground: Ground, aggregate: AggregateSpec, asker: Questions, until_seconds: int | None
) -> list[AggregateCheck]:
    """Return how an aggregate compares with its base, by host and partition; nothing is changed.

    With `until_seconds` (since 1970) only buckets that end by then are looked at, if the bucket is computed from the base's
    time alone.
    """
    base = next(table for table in ground.spec.tables if table.name == aggregate.base)
    question = Question(ground, aggregate, base, until_seconds)
    found: list[AggregateCheck] = []
    answers = each(ground.hosts.targets, partial(question.ask, asker))
    for host, answer in answers.items():
        if isinstance(answer, ChtuiError):
            found.append(AggregateCheck(aggregate.name, "", host, error=answer.line))
        else:
            found += answer
    return found


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of each host about one aggregate."""

    ground: Ground
    aggregate: AggregateSpec
    base: TableSpec
    until_seconds: int | None

    def ask(self, asker: Questions, host: Host) -> list[AggregateCheck]:
        """Return how each partition compares on a host.

        Raises:
            QueryError, ConnectError, DeadlineError: it would not tell its partitions.
        """
        database = self.ground.spec.target.database
        ids = {
            partition_id
            for name in (self.aggregate.local, self.base.local)
            for partition_id in partitions(asker, host, database, name)
        }
        return [self._partition(asker, host, partition_id) for partition_id in sorted(ids)]

    def params(self, partition_id: str) -> dict[str, Value]:
        """Return the parameters of `verify_aggregate` for one partition."""
        aggregate, database = self.aggregate, self.ground.spec.target.database
        columns = columns_of(aggregate)
        keys = [f"chtui_k{number}" for number in range(len(aggregate.keys))]
        own = [quote_identifier(name) for name in aggregate.keys]
        computed = [_cast(aggregate.select[name], _type(aggregate.columns[name])) for name in aggregate.keys]
        (of_states, of_base), (kept_states, kept_base) = self._bounds(), self._kept()
        return {
            "states": (database, aggregate.local),
            "state_columns": _selected(keys, own, [_plain(each, each.merged) for each in columns]),
            "of_states": both(of_partition(partition_id), of_states, kept_states),
            "state_groups": ", ".join(own),
            "base": (database, self.base.local),
            "base_columns": _selected(keys, computed, [_plain(each, each.computed) for each in columns]),
            "of_base": both(of_partition(partition_id), aggregate.where, of_base, kept_base),
            "base_groups": ", ".join(computed),
            "keys": ", ".join(keys),
            "differs": _differs(columns),
        }

    def _partition(self, asker: Questions, host: Host, partition_id: str) -> AggregateCheck:
        name = self.aggregate.name
        params = self.params(partition_id)
        names = [column.name for column in columns_of(self.aggregate)]
        try:
            keys, without_states, without_rows, differing, by_column = asker.rows(
                host, "verify_aggregate", params
            )[0]
            found = AggregateCheck(
                aggregate=name,
                partition_id=partition_id,
                host=host.id,
                keys=int(keys),
                keys_without_states=int(without_states),
                keys_without_rows=int(without_rows),
                keys_differing=int(differing),
                differing={key: int(number) for key, number in zip(names, by_column, strict=False) if number},
            )
            if not (int(without_states) or int(without_rows) or int(differing)):
                return found
            values = _values(len(names))
            rows = asker.rows(host, "verify_aggregate_keys", {**params, **values, "limit": EXAMPLES})
        except ChtuiError as error:
            return AggregateCheck(name, partition_id, host.id, error=error.line)
        return replace(found, examples=tuple(_example(row, names) for row in rows))

    def _kept(self) -> tuple[str, str]:
        """The conditions for buckets none of whose rows can be gone, nor their states: over the states, and over the base's rows.

        A rule of the base is that of a bucket's first instant, so it holds for all of its rows.
        """
        until = self.ground.left_out.get(self.base.name)
        if until is None:
            return "", ""
        select = {name: f"({text})" for name, text in self.aggregate.select.items()}
        of_states, of_base = [], []
        if self.aggregate.expires:
            own = rule_of(self.aggregate.expires)
            of_states.append(own.kept(at(until)))
            of_base.append(own.over(select).kept(at(until)))
        if self.base.expires:
            rule, time = rule_of(self.base.expires), self.aggregate.time
            of_states.append(rule.over(_at(self.base, quote_identifier(time))).kept(at(until)))
            of_base.append(rule.over(_at(self.base, self.aggregate.select[time])).kept(at(until)))
        return both(*of_states), both(*of_base)

    def _bounds(self) -> tuple[str, str]:
        """The conditions for buckets that have ended: over the states, and over the base's rows."""
        time = self.aggregate.time
        if self.until_seconds is None or not time:
            return "", ""
        kind = _type(self.aggregate.columns[time])
        bucket = self.aggregate.select[time]
        values = _at(self.base, instant(self.base, self.until_seconds * NANOSECONDS))
        if not expressions.names(bucket) <= values.keys():
            return "", ""
        end = _cast(expressions.replaced(bucket, values), kind)
        return f"{quote_identifier(time)} < {end}", f"{_cast(bucket, kind)} < {end}"


def _at(table: TableSpec, time: str) -> dict[str, str]:
    """The columns of a table that are known of a row when its event time is, an expression: those computed from it alone."""
    columns = {name: definitions.parse(text) for name, text in table.columns.items()}
    values = {table.time: _cast(time, columns[table.time].type)}
    for _ in columns:
        for name, definition in columns.items():
            if name not in values and definition.kind and _known(definition.expression, values):
                values[name] = _cast(expressions.replaced(definition.expression, values), definition.type)
    return values


def _known(expression: str, values: dict[str, str]) -> bool:
    names = expressions.names(expression)
    return bool(names) and names <= values.keys()


def _function(definition: str) -> tuple[str, list[str], bool]:
    """A state's function with its parameters, the types of its arguments, and whether its values are plain ones."""
    kind, pieces = definitions.arguments(_type(definition))
    return pieces[0].strip(), pieces[1:], kind == "SimpleAggregateFunction"


def _apart(function: str, arguments: Sequence[str]) -> float | None:
    """How far values of a function may lie apart; None where that is not known."""
    name = function.partition("(")[0].strip()
    for known in (name, name.removesuffix("If")):
        if known == "sum" and any(kind in argument for argument in arguments for kind in FLOATS):
            return FLOAT_SUM
        if known in EXACT:
            return 0.0
        if known in NEAR:
            return NEAR[known]
    return None


def _type(definition: str) -> str:
    return definitions.parse(definition).type


def _cast(expression: str, kind: str) -> str:
    return f"CAST(({expression}), {literal(kind)})"


def _plain(column: StateColumn, value: str) -> str:
    """A value in a form that is the same on both sides: text, or a number where it may lie apart."""
    return f"ifNull(toFloat64({value}), nan)" if column.apart else f"ifNull(toString({value}), 'NULL')"


def _selected(keys: Sequence[str], given: Sequence[str], values: Sequence[str]) -> str:
    return ",\n".join(
        [
            *(f"ifNull(toString({text}), 'NULL') AS {key}" for key, text in zip(keys, given, strict=True)),
            *(f"{text} AS chtui_v{number}" for number, text in enumerate(values)),
        ]
    )


def _differs(columns: Sequence[StateColumn]) -> str:
    """An array that has 1 for each value that differs; 0 where one side lacks the key."""
    found: list[str] = []
    for number, column in enumerate(columns):
        one, other = _sides(number)
        if column.apart:
            near = f"abs({one} - {other}) <= {column.apart!r} * greatest(abs({one}), abs({other}))"
            same = f"({one} = {other} OR {near} OR (isNaN({one}) AND isNaN({other})))"
        else:
            same = f"{one} = {other}"
        found.append(f"toUInt8({BOTH} AND NOT ({same}))")
    return f"[{', '.join(found) or 'toUInt8(0)'}]"


def _values(number: int) -> dict[str, Value]:
    sides = [_sides(each) for each in range(number)]
    return {
        "of_state": f"[{', '.join(f'toString({one})' for one, _ in sides) or literal('')}]",
        "of_rows": f"[{', '.join(f'toString({other})' for _, other in sides) or literal('')}]",
    }


def _sides(number: int) -> tuple[str, str]:
    return f"anyIf(chtui_v{number}, chtui_side = 1)", f"anyIf(chtui_v{number}, chtui_side = 0)"


def _example(row: Sequence[Any], names: Sequence[str]) -> KeyDifference:
    key, in_states, in_base, differs, of_state, of_rows = row
    trouble = "no states" if not int(in_states) else "no rows" if not int(in_base) else "differs"
    values = {
        name: (sanitize(one), sanitize(other))
        for name, wrong, one, other in zip(names, differs, of_state, of_rows, strict=False)
        if wrong
    }
    return KeyDifference(tuple(sanitize(each) for each in key), trouble, values)
