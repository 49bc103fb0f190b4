"""Which expression over v1's columns gives each column of v2, what it loses, and which columns of v1 nobody takes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from chtui.fleet.literal import quote_identifier
from chtui.migrate import definitions, expressions
from chtui.migrate.definitions import ALIAS, DEFAULT, MATERIALIZED, Definition
from chtui.migrate.spec import SourceTable, TableSpec

INTEGERS = {f"{sign}Int{bits}": (sign, bits) for sign in ("", "U") for bits in (8, 16, 32, 64, 128, 256)}
EXACT_BITS = {"Float32": 24, "Float64": 53}
"""Bits of whole numbers that a float holds exactly. Source: IEEE 754."""
WRAPPERS = ("LowCardinality", "Nullable")
WIDER = {("Float32", "Float64"), ("Date", "Date32"), ("Enum8", "Enum16"), ("DateTime", "DateTime64")}


class Mark(StrEnum):
    """How faithful a column of v2 is to v1."""

    EXACT = "exact"
    WIDENED = "widened"
    """Every value of v1 has one of v2 that can be turned back."""
    MAPPED = "mapped"
    """By the spec's own expression: values that it turns to NULL are lost, and stop the copy."""
    LOSSY = "lossy"
    """Some values of v1 cannot be told apart, or held, in v2."""
    DEFAULT = "default"
    """v1 has no such column; v2 computes it."""
    UNMAPPED = "unmapped"
    """Nothing of v1 gives it."""


class SourceColumn(NamedTuple):
    """A column as `system.columns` tells it."""

    name: str
    type: str
    kind: str = ""
    """DEFAULT, MATERIALIZED or ALIAS; empty for an ordinary one."""


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One column of v2 that INSERT may name, and what gives it."""

    name: str
    type: str
    raw: str
    """The expression over v1's columns; empty where there is none."""
    mark: Mark
    why: str = ""
    lost: str = ""
    """A condition over v1's columns that holds for rows whose value v2 cannot hold; empty where there are none."""
    of: str = ""
    """The one column of v1 it is, where it is no expression."""
    accepted: bool | None = None
    """Whether the spec accepts what a lossy column loses, under the name it has in v1; None where it does not say."""

    @property
    def expression(self) -> str:
        """The expression that gives exactly the column's type: for the copy and for digests on both sides.

        A NULL for a column that holds none is an error then, never a default.
        """
        return f"CAST({self.raw} AS {self.type})" if self.mark is not Mark.EXACT else self.raw


@dataclass(frozen=True, slots=True)
class LeftColumn:
    """One column of v1 that no column of v2 takes."""

    name: str
    type: str
    kind: str
    accepted: bool | None
    """Whether the spec accepts that; None where it does not say."""


@dataclass(frozen=True, slots=True)
class TableMapping:
    """How one table of v1 becomes one of v2."""

    columns: tuple[MappedColumn, ...]
    left: tuple[LeftColumn, ...]
    unknown: tuple[tuple[str, str], ...]
    """Column of v2 and the name in its expression which v1 lacks; or an empty name and a dropped column v1 lacks."""

    @property
    def copied(self) -> tuple[MappedColumn, ...]:
        """The columns the copy names and every proof covers."""
        return tuple(column for column in self.columns if column.raw)


def mapping(table: TableSpec, source: SourceTable, columns: Sequence[tuple[str, str, str]]) -> TableMapping:
    """Return how a table of v1 with these columns (name, type, kind) becomes the table of v2."""
    there = {name: SourceColumn(name, type_name, kind) for name, type_name, kind in columns}
    wanted = {name: definitions.parse(text) for name, text in table.columns.items()}
    taken: set[str] = set()
    unknown: list[tuple[str, str]] = []
    mapped: list[MappedColumn] = []
    for name, definition in wanted.items():
        if not definition.is_given:
            continue
        column = _column(name, definition, source, there)
        used = expressions.names(column.raw)
        taken |= {known for known in there if known in used or any(u.startswith(f"{known}.") for u in used)}
        unknown += [(name, used_name) for used_name in sorted(used) if not _known(used_name, there)]
        mapped.append(column)
    # A column that both sides compute is kept by being computed again.
    computed = {name for name, definition in wanted.items() if not definition.is_given}
    left = tuple(
        LeftColumn(name, column.type, column.kind, source.drops.get(name))
        for name, column in there.items()
        if name not in taken and not (name in computed and column.kind in (MATERIALIZED, ALIAS))
    )
    unknown += [("", name) for name in source.drops if name not in there]
    return TableMapping(tuple(mapped), left, tuple(unknown))


def compared(from_type: str, to_type: str) -> tuple[Mark, str]:
    """Return what becomes of values of one type in another, and why."""
    one, one_null = _bare(from_type)
    other, other_null = _bare(to_type)
    if one == other and one_null == other_null:
        same = definitions.type_text(from_type) == definitions.type_text(to_type)
        return (Mark.EXACT, "") if same else (Mark.WIDENED, "")
    mark, why = (Mark.WIDENED, "") if one == other else _scalars(one, other)
    if mark is Mark.WIDENED and one_null and not other_null:
        return Mark.LOSSY, "NULL has no value there"
    return mark, why


def _column(
    name: str, definition: Definition, source: SourceTable, there: dict[str, SourceColumn]
) -> MappedColumn:
    type_name = definition.type
    if name in source.mapping:
        raw = source.mapping[name]
        plain = there.get(expressions.normalized(raw))
        if plain is None:
            return MappedColumn(name, type_name, raw, Mark.MAPPED, "", f"isNull({raw})")
        return _plain(name, type_name, plain, source)
    if name in there:
        return _plain(name, type_name, there[name], source)
    if definition.kind == DEFAULT:
        return MappedColumn(name, type_name, "", Mark.DEFAULT, f"v2 computes {definition.expression}")
    return MappedColumn(name, type_name, "", Mark.UNMAPPED, "v1 has no such column")


def _plain(name: str, type_name: str, column: SourceColumn, source: SourceTable) -> MappedColumn:
    """A column taken as it is, or converted."""
    raw = quote_identifier(column.name)
    mark, why = compared(column.type, type_name)
    if mark is Mark.UNMAPPED:
        return MappedColumn(name, type_name, "", mark, why, of=column.name)
    if mark is not Mark.LOSSY:
        return MappedColumn(name, type_name, raw, mark, of=column.name)
    return MappedColumn(
        name,
        type_name,
        raw,
        mark,
        why,
        _lost(raw, column.type, type_name),
        column.name,
        source.drops.get(column.name),
    )


def _lost(raw: str, from_type: str, to_type: str) -> str:
    """The condition on rows whose value does not come back when it is turned into the type and back."""
    one, one_null = _bare(from_type)
    other, other_null = _bare(to_type)
    conditions = [f"isNull({raw})"] if one_null and not other_null else []
    if one == other:
        return conditions[0]
    head, arguments = definitions.arguments(other)
    if head in ("Enum8", "Enum16") and one == "String":
        known = ", ".join(argument.rpartition("=")[0].strip() for argument in arguments)
        conditions.append(f"{raw} NOT IN ({known})")
    elif one == "String":
        conditions.append(f"ifNull(toString(to{head}OrNull({raw})), '') != {raw}")
    elif head in INTEGERS and definitions.arguments(one)[0] in INTEGERS:
        # Compared as numbers: what only changed its sign would change it back.
        conditions.append(f"CAST({raw} AS {_nullable(other, one_null)}) != {raw}")
    else:
        back = f"CAST(CAST({raw} AS {_nullable(other, one_null)}) AS {_nullable(one, one_null)})"
        conditions.append(f"{back} != {raw}")
    return " OR ".join(conditions)


def _nullable(type_name: str, is_null: bool) -> str:
    return f"Nullable({type_name})" if is_null else type_name


def _scalars(one: str, other: str) -> tuple[Mark, str]:
    """What becomes of values of one bare type in another one."""
    (head, arguments), (to_head, to_arguments) = definitions.arguments(one), definitions.arguments(other)
    if head in INTEGERS and to_head in INTEGERS:
        return _integers(head, to_head)
    if head in INTEGERS and to_head in EXACT_BITS:
        exact = INTEGERS[head][1] <= EXACT_BITS[to_head]
        return (Mark.WIDENED, "") if exact else (Mark.LOSSY, f"{to_head} rounds large numbers")
    if head == to_head == "DateTime64" or (head, to_head) == ("DateTime", "DateTime64"):
        return _precisions(arguments if head == "DateTime64" else ["0"], to_arguments)
    if (head, to_head) == ("DateTime64", "DateTime"):
        return Mark.LOSSY, "what is below the second is cut off"
    if head == to_head == "DateTime":
        return Mark.WIDENED, ""
    if head == to_head and head in ("Enum8", "Enum16"):
        return _enums(arguments, to_arguments)
    if (head, to_head) in WIDER or (
        to_head == "String"
        and head in (*INTEGERS, "Date", "FixedString", "UUID", "IPv4", "IPv6", "Enum8", "Enum16")
    ):
        return Mark.WIDENED, ""
    if head == "String" and to_head in ("Enum8", "Enum16"):
        return Mark.LOSSY, f"only the names of {to_head} are held"
    if head == "String" and (to_head in INTEGERS or to_head in EXACT_BITS):
        return Mark.LOSSY, "only texts that are numbers are held"
    numbers = {*INTEGERS, *EXACT_BITS, "Decimal"}
    if head in numbers and to_head in numbers:
        return Mark.LOSSY, f"{to_head} does not hold every {head}"
    if head in ("DateTime", "DateTime64") and to_head in ("Date", "Date32"):
        return Mark.LOSSY, "the time of day is cut off"
    if head == to_head == "Array":
        return compared(arguments[0], to_arguments[0])
    return Mark.UNMAPPED, f"{one} does not become {other} by itself: give an expression"


def _integers(head: str, to_head: str) -> tuple[Mark, str]:
    (sign, bits), (to_sign, to_bits) = INTEGERS[head], INTEGERS[to_head]
    fits = to_bits >= bits if sign == to_sign else sign == "U" and to_bits > bits
    return (
        (Mark.WIDENED, "") if fits else (Mark.LOSSY, f"{to_head} does not hold every {head}: it wraps around")
    )


def _precisions(arguments: list[str], to_arguments: list[str]) -> tuple[Mark, str]:
    one, other = int(arguments[0]), int(to_arguments[0])
    return (Mark.WIDENED, "") if other >= one else (Mark.LOSSY, f"digits after the {other}th are cut off")


def _enums(arguments: list[str], to_arguments: list[str]) -> tuple[Mark, str]:
    names = [
        {argument.rpartition("=")[0].strip() for argument in given} for given in (arguments, to_arguments)
    ]
    gone = sorted(names[0] - names[1])
    return (Mark.LOSSY, f"{', '.join(gone)} cannot be held") if gone else (Mark.WIDENED, "")


def _bare(type_name: str) -> tuple[str, bool]:
    """A type without LowCardinality and Nullable around it, and whether it holds NULL."""
    text, is_null = definitions.type_text(type_name), False
    while True:
        head, arguments = definitions.arguments(text)
        if head not in WRAPPERS or len(arguments) != 1:
            return text, is_null
        is_null = is_null or head == "Nullable"
        text = definitions.type_text(arguments[0])


def _known(name: str, there: dict[str, SourceColumn]) -> bool:
    return name in there or name.partition(".")[0] in there
