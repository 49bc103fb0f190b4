"""Copies of the same rows on several hosts, compared: sums over shards and over replicas, skew, replicas that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId
from chtui.text import format_count, format_ratio, plural, sanitize
from chtui.views.table import Cell, Style, number

T = TypeVar("T")

SKEW_WARNING_RATIO = 1.5
"""Rows of the largest shard against the mean from where a table is skewed. Source: chtui's choice."""
SKEW_LEAST_ROWS = 10_000
"""Below so many rows chance alone makes shards uneven. Source: chtui's choice."""
SETTLING_SECONDS = 5.0
"""So long may rows be on one replica and not yet on the other. Source: chtui's choice; replication takes less where it is well."""
QUIET_SECONDS = 30.0
"""A partition into which a part was written since then is not judged: it may be on its way. Source: chtui's choice."""
NAMED_DIFFERENCES = 3
"""So many differences are named; of more only the count is told."""
OWN_DATABASES = frozenset({"system"})
"""Each host writes its own rows there: hosts are not compared, and all of them add up."""


class Copy(NamedTuple):
    """What one host has of a table or a partition."""

    host: HostId
    shard_num: int
    rows: int | None
    """None: it is not there."""
    parts: int = 0
    taken_at: datetime | None = None
    is_current: bool = True
    """Whether the host answers now; what it had before proves no difference."""


class Comparison(NamedTuple):
    """What the copies say together."""

    rows: int
    """One replica of each shard, the one with the most; of a host's own rows the sum of all."""
    rows_all_replicas: int
    skew_ratio: float | None
    """Rows of the largest shard against the mean of the shards that have it; None with less than two, or without rows."""
    largest_shard_num: int | None
    rows_difference: int | None
    """The most rows that a replica lacks against another of its shard; None where no shard has two to compare."""
    parts_difference: int | None
    """The most active parts by which two replicas of a shard differ; None likewise."""
    missing: tuple[HostId, ...]
    """Hosts without it whose shard has it on another."""
    is_different: bool | None
    """Whether rows differ by more than inserts between the samples explain; None where nothing can be compared."""
    words: str
    """Which replicas differ, and by what; empty if none."""


def compare(copies: Sequence[Copy], rows_per_second: float = 0.0, is_own: bool = False) -> Comparison:
    """Compare what hosts have of the same table or partition; `is_own`: each host writes rows of its own."""
    shards: dict[int, list[Copy]] = {}
    for copy in copies:
        shards.setdefault(copy.shard_num, []).append(copy)
    total = sum(copy.rows for copy in copies if copy.rows is not None)
    if is_own:
        return Comparison(total, total, None, None, None, None, (), None, "")
    largest = {
        number: max(copy.rows for copy in shard if copy.rows is not None)
        for number, shard in shards.items()
        if any(copy.rows is not None for copy in shard)
    }
    rows = sum(largest.values())
    skew = max(largest.values()) * len(largest) / rows if len(largest) > 1 and rows else None
    found = [_shard(shard, rows_per_second) for shard in shards.values()]
    compared = [each for each in found if each.rows_difference is not None]
    words = [word for each in found for word in each.words]
    if len(words) > NAMED_DIFFERENCES:
        words = [*words[:NAMED_DIFFERENCES], f"{len(words) - NAMED_DIFFERENCES} more"]
    return Comparison(
        rows=rows,
        rows_all_replicas=total,
        skew_ratio=skew,
        largest_shard_num=max(largest, key=lambda number: (largest[number], -number)) if skew else None,
        rows_difference=max((each.rows_difference or 0 for each in compared), default=None),
        parts_difference=max((each.parts_difference for each in compared), default=None),
        missing=tuple(host for each in found for host in each.missing),
        is_different=any(each.is_different for each in compared) if compared else None,
        words="; ".join(words),
    )


class _Shard(NamedTuple):
    rows_difference: int | None
    parts_difference: int
    missing: tuple[HostId, ...]
    is_different: bool
    words: tuple[str, ...]


def _shard(copies: Sequence[Copy], rows_per_second: float) -> _Shard:
    current = [copy for copy in copies if copy.is_current]
    there = [copy for copy in current if copy.rows is not None]
    missing = tuple(copy.host for copy in current if copy.rows is None) if there else ()
    words = [f"not on {host}" for host in missing]
    if len(there) < 2:
        return _Shard(None, 0, missing, False, tuple(words))
    fullest = max(there, key=lambda copy: copy.rows or 0)
    worst, is_different = 0, False
    for copy in there:
        lacks = (fullest.rows or 0) - (copy.rows or 0)
        worst = max(worst, lacks)
        is_different |= lacks > rows_per_second * (_apart(fullest, copy) + SETTLING_SECONDS)
        if lacks:
            words.append(f"{copy.host} lacks {plural(lacks, 'row')}")
        elif copy.parts != fullest.parts:
            more = copy.parts - fullest.parts
            words.append(f"{copy.host} has {plural(abs(more), 'part')} {'more' if more > 0 else 'fewer'}")
    parts = [copy.parts for copy in there]
    return _Shard(worst, max(parts) - min(parts), missing, is_different, tuple(words))


def _apart(one: Copy, other: Copy) -> float:
    if one.taken_at is None or other.taken_at is None:
        return 0.0
    return abs((one.taken_at - other.taken_at).total_seconds())


def copies_of(
    snapshot: Snapshot, key: str, find: Callable[[HostId], tuple[int, int] | None]
) -> tuple[Copy, ...]:
    """Return every host's copy; `find` gives rows and parts, None where it is not there. Hosts without an answer are left out."""
    made = []
    for status in snapshot.hosts:
        sample = snapshot.sample(status.id, key)
        if sample is None or sample.taken_at is None:
            continue
        rows, parts = find(status.id) or (None, 0)
        current = status.state.answers and not sample.error
        made.append(Copy(status.id, status.shard_num, rows, parts, sample.taken_at, current))
    return tuple(made)


def ratio(uncompressed_bytes: int, compressed_bytes: int) -> float | None:
    """Return how many times larger the data are uncompressed; None where nothing is stored, or not told."""
    return uncompressed_bytes / compressed_bytes if uncompressed_bytes and compressed_bytes else None


def ratio_cell(uncompressed_bytes: int | None, compressed_bytes: int | None) -> Cell:
    """Return a compression ratio's cell, `10.0:1`."""
    value = ratio(uncompressed_bytes or 0, compressed_bytes or 0)
    return number(value, lambda _: format_ratio(uncompressed_bytes, compressed_bytes))


def format_skew(value: float | None) -> str:
    """Return the largest shard against the mean as `1.25x`; `-` for None."""
    return "-" if value is None else f"{value:.2f}x"


def skew_style(value: float | None, rows: int | None) -> Style:
    """Return how a skew is drawn: a warning where it is above the threshold and no matter of chance."""
    is_skewed = value is not None and value >= SKEW_WARNING_RATIO and (rows or 0) >= SKEW_LEAST_ROWS
    return "warning" if is_skewed else ""


def difference_cell(
    is_different: bool | None, rows: int | None, parts: int | None, missing: int, is_replicated: bool = False
) -> Cell:
    """Return the cell that says in a word whether replicas differ; sorted worst first when reversed."""
    if rows:
        return Cell(f"-{plural_count(rows, 'row')}", "warning" if is_different else "muted", 1000 + rows)
    if missing:
        return Cell(
            f"not on {plural(missing, 'host')}", "warning" if is_replicated else "muted", 100 + missing
        )
    if parts:
        return Cell(f"parts +{parts}", "muted", 1)
    return Cell("same", "ok", 0) if is_different is False else Cell("-", "muted")


def lacking_cell(rows: int | None, is_different: bool | None, queue_entries: int | None) -> Cell:
    """Return the cell that says what a host lacks; a warning where neither inserts nor a replication queue explain it."""
    if rows is None:
        return Cell("-", "muted")
    if not rows:
        return Cell("same", "ok", 0)
    return Cell(f"-{format_count(rows)}", "warning" if is_different and not queue_entries else "muted", rows)


def plural_count(count: int, noun: str) -> str:
    """Return `1 row`, `2 rows`, `1.2M rows`."""
    return f"{format_count(count)} {noun}{'' if count == 1 else 's'}"


def words_of(values: Iterable[str]) -> str:
    """Return different texts in one, sorted, safe to draw."""
    return ", ".join(sorted({sanitize(value) for value in values if value}))


class Memory:
    """The last thing made of something, given again while that is the very same: views are built every second, samples come every minute."""

    def __init__(self) -> None:
        self._last: tuple[tuple[Any, ...], Any] | None = None

    def of(self, inputs: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        """Return what `make` gives, or gave for the very same inputs."""
        last = self._last
        if last is not None and len(last[0]) == len(inputs) and all(map(_same, last[0], inputs)):
            return last[1]
        made = make()
        self._last = (inputs, made)
        return made


def _same(one: Any, other: Any) -> bool:
    return one is other or (isinstance(one, str | int) and one == other)


class Kept(Generic[T]):
    """What was made last, for whoever can make the next from it; may be asked in any thread."""

    def __init__(self, first: T) -> None:
        self._kept = first

    def get(self) -> T:
        """Return what was put last."""
        return self._kept

    def put(self, made: T) -> None:
        """Keep it."""
        self._kept = made
