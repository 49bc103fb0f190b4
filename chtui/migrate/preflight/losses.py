"""Which values of one type another one cannot hold, as conditions over the rows that have them. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from chtui.fleet.literal import literal
from chtui.migrate import definitions
from chtui.migrate.preflight.findings import Kind

INTEGER = re.compile(r"(U?)Int(8|16|32|64|128|256)")
FRACTIONS = ("Float32", "Float64")
EXACT_BITS = {"Float32": 24, "Float64": 53}
"""Bits of whole numbers that a float holds exactly. Source: IEEE 754."""
ENUMS = ("Enum8", "Enum16")
INSTANTS = ("DateTime", "DateTime64", "Date", "Date32")
WRAPPERS = ("LowCardinality", "Nullable")
ITEM = "chtui_item"


class Loss(NamedTuple):
    """Rows that would not be in v2 what they are in v1."""

    kind: Kind
    condition: str
    """Over v1's columns; holds for the rows concerned."""
    harm: str


class Bare(NamedTuple):
    """A type without what is wrapped around it."""

    text: str
    head: str
    arguments: tuple[str, ...]
    is_nullable: bool


def losses(raw: str, from_type: str, to_type: str) -> list[Loss]:
    """Return what can be lost when an expression of one type becomes a column of another."""
    one, other = bare(from_type), bare(to_type)
    found = []
    if one.is_nullable and not other.is_nullable:
        found.append(Loss(Kind.NULL, f"isNull({raw})", f"NULL has no value in {to_type}"))
    if one.text == other.text:
        return found
    for loss in (
        _enum(raw, one, other),
        _integer(raw, one, other),
        _instant(raw, one, other),
        _text(raw, one, other),
    ):
        if loss is not None:
            return [*found, loss]
    if one.head == other.head == "Array":
        inner = losses(ITEM, one.arguments[0], other.arguments[0])
        found += [
            loss._replace(condition=f"arrayExists({ITEM} -> ifNull({loss.condition}, 0), {raw})")
            for loss in inner
        ]
    elif _is_rounded(one, other):
        found.append(Loss(Kind.PRECISION, _round_trip(raw, one, other), f"{other.text} rounds it"))
    return found


def bare(kind: str) -> Bare:
    """Return a type without LowCardinality and Nullable around it."""
    text, nullable = definitions.type_text(kind), False
    while True:
        head, arguments = definitions.arguments(text)
        if head not in WRAPPERS or len(arguments) != 1:
            return Bare(text, head, tuple(arguments), nullable)
        nullable = nullable or head == "Nullable"
        text = definitions.type_text(arguments[0])


def bounds(kind: str) -> tuple[int, int] | None:
    """Return the least and the greatest value of a type of whole numbers; None for any other type."""
    found = INTEGER.fullmatch(kind)
    if found is None:
        return None
    bits = int(found[2])
    return (0, 2**bits - 1) if found[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _enum(raw: str, one: Bare, other: Bare) -> Loss | None:
    if other.head not in ENUMS:
        return None
    words = [argument.rpartition("=") for argument in other.arguments]
    if bounds(one.head):
        numbers = ", ".join(number.strip() for _, _, number in words)
        return Loss(Kind.VALUE, f"{raw} NOT IN ({numbers})", f"{other.head} has no such value")
    if one.head in ENUMS:
        own = {argument.rpartition("=")[0].strip() for argument in one.arguments}
        if own <= {name.strip() for name, _, _ in words}:
            return None
    names = ", ".join((name if sign else number).strip() for name, sign, number in words)
    return Loss(Kind.VALUE, f"toString({raw}) NOT IN ({names})", f"{other.head} has no such value")


def _integer(raw: str, one: Bare, other: Bare) -> Loss | None:
    wanted = bounds(other.head)
    if wanted is None:
        own = bounds(one.head)
        if own and other.head in EXACT_BITS and own[1] > 2 ** EXACT_BITS[other.head]:
            return Loss(Kind.PRECISION, _round_trip(raw, one, other), f"{other.head} rounds large numbers")
        return None
    least, greatest = wanted
    own = bounds(one.head)
    if own:
        conditions = [f"{raw} < {_number(least)}"] if own[0] < least else []
        conditions += [f"{raw} > {_number(greatest)}"] if own[1] > greatest else []
        if not conditions:
            return None
        return Loss(
            Kind.RANGE, " OR ".join(conditions), f"{other.head} does not hold it: it would wrap around"
        )
    if one.head in EXACT_BITS or one.head.startswith("Decimal"):
        condition = (
            f"NOT ({raw} >= {_number(least)} AND {raw} <= {_number(greatest)} AND {raw} = trunc({raw}))"
        )
        return Loss(Kind.RANGE, condition, f"{other.head} does not hold it")
    return None


def _instant(raw: str, one: Bare, other: Bare) -> Loss | None:
    if one.head not in INSTANTS or other.head not in INSTANTS:
        return None
    finer = _digits(one) > _digits(other)
    wider = one.head in ("DateTime64", "Date32") and other.head in ("DateTime", "Date")
    if not finer and not wider:
        return None
    harm = (
        "digits of the second are cut off"
        if other.head.startswith("DateTime")
        else "the time of day is cut off"
    )
    return Loss(Kind.PRECISION, _round_trip(raw, one, other), harm)


def _text(raw: str, one: Bare, other: Bare) -> Loss | None:
    if one.head not in ("String", "FixedString"):
        return None
    if other.head == "FixedString":
        return Loss(Kind.RANGE, f"length({raw}) > {other.arguments[0]}", f"{other.text} is shorter")
    if other.head == "String":
        return None
    if bounds(other.head) or other.head in (*EXACT_BITS, "Date", "DateTime", "UUID"):
        return Loss(Kind.VALUE, f"isNull(to{other.head}OrNull(toString({raw})))", f"it is no {other.head}")
    if other.head == "DateTime64":
        return Loss(
            Kind.VALUE,
            f"isNull(toDateTime64OrNull(toString({raw}), {other.arguments[0]}))",
            "it is no DateTime64",
        )
    return None


def _is_rounded(one: Bare, other: Bare) -> bool:
    """Whether two types of numbers differ in which fractions they hold."""
    numbers = all(kind.head in FRACTIONS or kind.head.startswith("Decimal") for kind in (one, other))
    return numbers and (one.head, other.head) != ("Float32", "Float64")


def _digits(kind: Bare) -> int:
    if kind.head == "DateTime64":
        return int(kind.arguments[0])
    return 0 if kind.head == "DateTime" else -1


def _round_trip(raw: str, one: Bare, other: Bare) -> str:
    there, back = _written(other, one.is_nullable), _written(one, one.is_nullable)
    return f"CAST(CAST({raw}, {literal(there)}), {literal(back)}) != {raw}"


def _written(kind: Bare, nullable: bool) -> str:
    return f"Nullable({kind.text})" if nullable else kind.text


def _number(value: int) -> str:
    """A bound as a literal that keeps all its digits."""
    if -(2**63) <= value < 2**64:
        return str(value)
    return f"to{'Int' if value < 0 else 'UInt'}256('{value}')"
