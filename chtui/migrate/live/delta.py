"""Rows a host lacks of a partition that others write to: staged, proven, and added by hard links beside those that are there.

What the partition has is never taken away here. A row is told by its hash, and counted as often as v1 has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chtui.fleet.literal import Value, quote_identifier
from chtui.migrate.cell import CellWork, Staged, difference
from chtui.migrate.copying import COPYING, settings_text
from chtui.migrate.ddl import instant
from chtui.migrate.digests import (
    DIGEST,
    DIGEST_SECONDS,
    NANOSECONDS,
    NOTHING,
    SETTINGS,
    Digest,
    of_shard,
    partition_condition,
    to_digests,
)
from chtui.migrate.facts import DELTA
from chtui.migrate.layout import Slice
from chtui.migrate.look import both
from chtui.migrate.snapshot import Snapshot

MOST_HASHES = 10_000
"""So many rows that are there too rarely are sorted out at a time; the rest is found again."""
HASHES_AT_ONCE = 1_000
"""So many hashes one statement names."""
SIFTING: Mapping[str, int | str] = {**COPYING, "max_rows_in_set": 0, "max_bytes_in_set": 0}

Span = tuple[int, int]
"""From a second since 1970 to another, exclusive."""
Hours = Mapping[int, Digest]
Wanted = Mapping[Slice, Hours]


class Lack(NamedTuple):
    """What a table lacks of v1's rows, and what it has too much."""

    staged: Staged | None
    """The rows it lacks, with their aggregates; None where it lacks none."""
    rows: int
    extra_rows: int
    """Rows it has that v1 has not, or has less often. Rows that reached both after v1 was looked at are among them."""
    before: Mapping[Span, Hours]
    """What it had."""


def find(work: CellWork, taken: Snapshot, wanted: Wanted, into: str = "") -> Lack:
    """Stage what a table of the cell's form, or the cell's own, lacks of a snapshot's rows; what was tried before is dropped.

    `wanted` is what the shard's rows of each slice are, by hour; slices of several tables of v1 cover the same times.

    Raises:
        MigrateError: what arrived is not what v1 has.
        QueryError, ConnectError: a server failed a statement; it may be tried again.
    """
    table = into or work.work.table.local
    work.work.gate("sweep")
    work.work.hands.sweep(work.host, work.database, work.tag)
    prefix = work.work.hands.attempt(work.tag)
    before: dict[Span, Hours] = {}
    names: list[str] = []
    extra_rows = 0
    for number, span in enumerate(sorted({(piece.from_seconds, piece.to_seconds) for piece in wanted})):
        before[span] = here = digests_of(work, table, span)
        pieces = [piece for piece in wanted if (piece.from_seconds, piece.to_seconds) == span]
        if merged(wanted[piece] for piece in pieces) == here:
            continue
        staged: list[str] = []
        for index, piece in enumerate(pieces):
            if wanted[piece]:
                staged.append(f"{prefix}_w{number}_{index}")
                work.copy_slice(staged[-1], piece, taken, wanted)
        if staged and here:
            whole = _together(work, f"{prefix}_w{number}", staged)
            lacking, more = _sift(work, f"{prefix}_d{number}", whole, table, span)
            names += [lacking] if lacking else []
            extra_rows += more
        else:
            names += staged
            extra_rows += 0 if staged else sum(each.rows for each in here.values())
    if not names:
        return Lack(None, 0, extra_rows, before)
    whole = _together(work, prefix, names)
    rows = work.rows_of(whole)
    if not extra_rows:
        _prove(work, whole, before, wanted)
    return Lack(work.with_states(prefix, whole), rows, extra_rows, before)


def add(work: CellWork, lack: Lack) -> None:
    """Add what was staged to the cell's partition and to that of its aggregates, unless rows came there meanwhile.

    Raises:
        MigrateError: they did; nothing was added.
        QueryError, ConnectError: a server failed a statement. The journal says then that the aggregates may lack the rows.
    """
    if lack.staged is None:
        work.finish()
        return
    work.work.gate("publish")
    table = work.work.table
    for span, here in lack.before.items():
        if digests_of(work, table.local, span) != here:
            raise difference(f"{work.cell.name}: rows came while others were staged")
    place = {
        "table": table.name,
        "partition_id": work.cell.group.partition_id,
        "host": str(work.host.id),
    }
    diary = work.work.hands.diary
    diary.append(DELTA, {**place, "state": "begun", "rows": lack.rows})
    work.attach(table.local, lack.staged.table)
    for aggregate, states in lack.staged.states.items():
        work.attach(aggregate, states)
    diary.append(DELTA, {**place, "state": "done"})
    work.work.hands.sweep(work.host, work.database, work.tag)


def digests_of(work: CellWork, table: str, span: Span) -> dict[int, Digest]:
    """Return what a table of the cell's form has of the cell within a time, by hour.

    Raises:
        QueryError, ConnectError: its host cannot be asked.
    """
    asking = work.work.asking
    params = asking.of_target(work.database, table, _where(work, span))
    rows = work.host.rows(DIGEST, params, seconds=DIGEST_SECONDS, settings=SETTINGS)
    return of_shard(to_digests(rows, asking.layout.shards), work.cell.shard.number)


def merged(several: Iterable[Hours]) -> dict[int, Digest]:
    """Return what some digests by hour are together."""
    found: dict[int, Digest] = {}
    for hours in several:
        for hour, digest in hours.items():
            found[hour] = found.get(hour, NOTHING) + digest
    return found


def _where(work: CellWork, span: Span) -> str:
    table = work.work.table
    time = quote_identifier(table.time)
    low, high = (instant(table, seconds * NANOSECONDS) for seconds in span)
    return both(
        partition_condition(table, work.cell.group.partition_id), f"{time} >= {low} AND {time} < {high}"
    )


def _together(work: CellWork, prefix: str, names: list[str]) -> str:
    return work.assemble(prefix, names, sum(work.rows_of(name) for name in names))


def _sift(work: CellWork, name: str, whole: str, table: str, span: Span) -> tuple[str, int]:
    """Put the rows of a staging table that another lacks into a third; return its name, empty for none, and the extra rows."""
    asking = work.work.asking
    columns = [quote_identifier(column) for column in asking.columns]
    hashed = asking.row_hash(columns)
    work.work.gate("sift")
    work.make(name)
    given: dict[str, Value] = {
        "staging": (work.database, name),
        "columns": ", ".join(columns),
        "from": (work.database, whole),
        "row_hash": hashed,
        "settings": settings_text(work.host.known(SIFTING)),
    }
    other: dict[str, Value] = {"table": (work.database, table), "where": _where(work, span)}
    work.do("delta_rows", {**given, **other})
    params = {"from": given["from"], "row_hash": hashed, "limit": MOST_HASHES, **other}
    rows = work.host.rows("delta_counts", params, seconds=DIGEST_SECONDS, settings=SETTINGS)
    lacking: dict[int, list[Value]] = {}
    extra_rows = 0
    for key, wanted, found in rows:
        if int(wanted) > int(found):
            lacking.setdefault(int(wanted) - int(found), []).append(str(key))
        else:
            extra_rows += int(found) - int(wanted)
    for times, hashes in lacking.items():
        for first in range(0, len(hashes), HASHES_AT_ONCE):
            some = hashes[first : first + HASHES_AT_ONCE]
            work.do("delta_more", {**given, "hashes": some, "times": times})
    return (name if work.rows_of(name) else ""), extra_rows


def _prove(work: CellWork, staged: str, before: Mapping[Span, Hours], wanted: Wanted) -> None:
    """Make sure that what the table had and what is staged are v1's rows together, hour by hour."""
    for span, here in before.items():
        pieces = [hours for piece, hours in wanted.items() if (piece.from_seconds, piece.to_seconds) == span]
        if merged([here, digests_of(work, staged, span)]) != merged(pieces):
            raise difference(f"{work.cell.name}: what is staged is not what is lacking")
