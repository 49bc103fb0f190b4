"""A group's slices cut anew for another number of rows at a time: the same hours, so the same rows and the same cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from chtui.migrate.layout import HOUR_SECONDS, Cell, Group, Slice


def recut(group: Group, cells: Sequence[Cell], chunk_rows: int) -> tuple[Group, list[Cell]]:
    """Return a group and its cells with slices of about `chunk_rows` at most, unless an hour has more."""
    new = replace(group, slices=tuple(slices(group.slices, chunk_rows)))
    return new, [replace(cell, group=new) for cell in cells]


def slices(old: Iterable[Slice], chunk_rows: int) -> list[Slice]:
    """Return the slices of one group cut anew. Rows of parts of a slice are shares of its own, by hours."""
    found: list[Slice] = []
    for _, members in groupby(old, key=lambda each: each.source):
        pieces = [piece for each in members for piece in _split(each, chunk_rows)]
        whole = pieces[0]
        for piece in pieces[1:]:
            if whole.rows + piece.rows <= chunk_rows and whole.to_seconds <= piece.from_seconds:
                whole = _joined(whole, piece)
            else:
                found.append(whole)
                whole = piece
        found.append(whole)
    return found


def _split(piece: Slice, chunk_rows: int) -> list[Slice]:
    hours = (piece.to_seconds - piece.from_seconds) // HOUR_SECONDS
    number = min(hours, -(-piece.rows // chunk_rows))
    if number < 2:
        return [piece]
    # Cuts are whole hours: an hour's rows never stand in two slices.
    cuts = [hours * index // number for index in range(number + 1)]
    shares = [piece.rows * cut // hours for cut in cuts]
    return [
        replace(
            piece,
            from_seconds=piece.from_seconds + cuts[index] * HOUR_SECONDS,
            to_seconds=piece.from_seconds + cuts[index + 1] * HOUR_SECONDS,
            rows=shares[index + 1] - shares[index],
        )
        for index in range(number)
    ]


def _joined(one: Slice, other: Slice) -> Slice:
    return Slice(
        one.source,
        one.from_seconds,
        other.to_seconds,
        one.rows + other.rows,
        tuple(sorted({*one.source_partitions, *other.source_partitions})),
        # The hours between them, if there are any, may have rows of another partition.
        one.is_shared or other.is_shared or one.to_seconds < other.from_seconds,
    )
