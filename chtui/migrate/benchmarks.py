"""The spec's benchmark queries, timed on v1 and on v2: in turn, as often, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from chtui.errors import ChtuiError
from chtui.migrate.hosts import Host
from chtui.migrate.layout import Ground
from chtui.migrate.spec import Benchmark
from chtui.records import HostId
from chtui.text import format_bytes, format_count, one_line, plural

TIMES = 3
"""How often a query is run on each side."""
QUERY_SECONDS = 300.0
"""How long one run may take. Source: the plan, whose slowest query takes 120 s on v1."""
MOST_ROWS = 10_000
"""After so many rows of a result the server stops."""
BOUNDS: Mapping[str, int | str] = {
    # 1 would forbid the settings of the query itself; both only read.
    "readonly": 2,
    "max_execution_time": int(QUERY_SECONDS),
    "timeout_overflow_mode": "throw",
    "max_result_rows": MOST_ROWS,
    "result_overflow_mode": "break",
    # As a dashboard asks: with the server's own threads, and at no lower priority.
    "max_threads": 0,
    "os_thread_priority": 0,
    # What an earlier run left would be timed, not the query.
    "use_query_cache": 0,
    "use_query_condition_cache": 0,
    # Only so the summary of the answer tells what all of the query read.
    "http_wait_end_of_query": 1,
}

Say = Callable[[str], None]


class Ran(NamedTuple):
    """One run of a query."""

    seconds: float
    is_server_time: bool
    """Whether the server told it; else the client saw it, transfer included."""
    result_rows: int
    read_rows: int | None
    """None where the server does not tell."""
    read_bytes: int | None


@dataclass(frozen=True, slots=True)
class Side:
    """A query on v1 or on v2."""

    host: HostId
    ran: tuple[Ran, ...]
    error: str = ""
    """Why it failed; after that it was not run again."""

    @property
    def median_seconds(self) -> float | None:
        """None where no run ended well."""
        return median(each.seconds for each in self.ran) if self.ran and not self.error else None

    @property
    def worst_seconds(self) -> float | None:
        """None where no run ended well."""
        return max(each.seconds for each in self.ran) if self.ran and not self.error else None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it; what was read is that of the last run."""
        last = self.ran[-1] if self.ran else None
        return {
            "host": str(self.host),
            "runs": len(self.ran),
            "median_seconds": self.median_seconds,
            "worst_seconds": self.worst_seconds,
            "is_server_time": last.is_server_time if last else None,
            "result_rows": last.result_rows if last else None,
            "read_rows": last.read_rows if last else None,
            "read_bytes": last.read_bytes if last else None,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Timed:
    """One benchmark: a query on both sides, and what the plan says of it."""

    name: str
    v1: Side
    v2: Side
    plan_before_seconds: float
    """What the plan says it takes on v1; 0 where it says nothing."""
    plan_after_seconds: float
    """What the plan promises for v2; 0 where it promises nothing."""

    @property
    def ratio(self) -> float | None:
        """How many times faster it is on v2; None where a side has no figure."""
        one, other = self.v1.median_seconds, self.v2.median_seconds
        return one / other if one is not None and other else None

    @property
    def is_met(self) -> bool | None:
        """Whether v2 keeps what the plan promises; None where it promises nothing, or there is no figure."""
        found = self.v2.median_seconds
        return None if not self.plan_after_seconds or found is None else found <= self.plan_after_seconds

    @property
    def notes(self) -> tuple[str, ...]:
        """What somebody should know: failures, and a v2 that is slower."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        for name, side in (("v1", self.v1), ("v2", self.v2)):
            if side.error:
                yield f"benchmark {self.name} fails on {name}: {side.error}"
        if self.ratio is not None and self.ratio < 1:
            yield f"benchmark {self.name} is slower on v2 than on v1"
        if self.is_met is False:
            yield f"benchmark {self.name} takes longer on v2 than the plan's {self.plan_after_seconds:g} s"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "name": self.name,
            "v1": self.v1.as_dict(),
            "v2": self.v2.as_dict(),
            "ratio": self.ratio,
            "plan_before_seconds": self.plan_before_seconds or None,
            "plan_after_seconds": self.plan_after_seconds or None,
            "is_met": self.is_met,
            "notes": list(self.notes),
        }


def run(
    ground: Ground, *, times: int = TIMES, seconds: float = QUERY_SECONDS, say: Say = lambda _: None
) -> tuple[Timed, ...]:
    """Time every benchmark of the spec on v1's host and on the first host of v2; they only read, one after another.

    v1 and v2 take turns, so that what else the servers do befalls both alike. A query that fails is told and stops nothing.
    `say` is told in a line what is being done.
    """
    return tuple(_timed(ground, each, times, seconds, say) for each in ground.spec.benchmarks)


def _timed(ground: Ground, benchmark: Benchmark, times: int, seconds: float, say: Say) -> Timed:
    hosts = (ground.hosts.source, ground.hosts.targets[0])
    texts = tuple(ground.spec.filled(text).strip() for text in (benchmark.v1, benchmark.v2))
    ran: tuple[list[Ran], list[Ran]] = ([], [])
    errors = ["", ""]
    for number in range(times):
        say(f"benchmark {benchmark.name}: {number + 1} of {times}")
        for side, (host, text) in enumerate(zip(hosts, texts, strict=True)):
            if errors[side]:
                continue
            try:
                ran[side].append(_ran(host, text, seconds))
            except ChtuiError as error:
                errors[side] = one_line(error.line)
    one, other = (
        Side(host.id, tuple(found), error) for host, found, error in zip(hosts, ran, errors, strict=True)
    )
    return Timed(benchmark.name, one, other, benchmark.plan_before_seconds, benchmark.plan_after_seconds)


def _ran(host: Host, text: str, seconds: float) -> Ran:
    settings = {**BOUNDS, "max_execution_time": max(1, int(seconds))}
    # The server ends it first, and says so.
    found = host.answer(text, seconds=seconds + 5, settings=settings)
    cost = found.cost
    return Ran(cost.seconds, cost.is_server_time, len(found.rows), cost.read_rows, cost.read_bytes)


def lines(found: Sequence[Timed]) -> Iterator[str]:
    """Give them for people: a line for each side, and one for what that means."""
    for each in found:
        faster = "" if each.ratio is None else f": {each.ratio:.1f} x as fast on v2"
        yield f"benchmark {each.name}{faster}{_promise(each)}"
        yield f"  v1 {_side(each.v1, each.plan_before_seconds)}"
        yield f"  v2 {_side(each.v2, 0.0)}"


def _promise(timed: Timed) -> str:
    if timed.is_met is None:
        return ""
    return f"; the plan's {timed.plan_after_seconds:g} s {'met' if timed.is_met else 'not met'}"


def _side(side: Side, plan_seconds: float) -> str:
    if side.error or not side.ran:
        return f"{side.host}: {side.error or 'not run'}"
    last = side.ran[-1]
    read = (
        f"{format_count(last.read_rows)} rows and {format_bytes(last.read_bytes)} read"
        if last.read_rows is not None
        else "what it reads is not told"
    )
    plan = f" (the plan says {plan_seconds:g} s)" if plan_seconds else ""
    cut = ", cut there" if last.result_rows >= MOST_ROWS else ""
    times = plural(len(side.ran), "run")
    return (
        f"{side.host}: median {side.median_seconds:.3f} s, worst {side.worst_seconds:.3f} s of {times}{plan}; {read}, "
        f"{plural(last.result_rows, 'row')} given{cut}"
    )
