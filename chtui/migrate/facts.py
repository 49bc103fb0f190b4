"""What a run's journal says has come about: where the next process goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from chtui.migrate.journal_lines import Event
from chtui.migrate.verification import Verdict

PROVEN = "proven"
"""A cell is done: `cell`, `rows`, `digest`."""
COLLAPSED = "collapsed"
"""Rows of a partition of v2 that v1 has once more, and v2 will not: `table`, `partition_id`, `rows`. The last one holds."""
SKIPPED = "skipped"
"""A cell is left out because somebody said so: `cell`."""
WATERMARK = "watermark"
"""A table's watermark: `table`, `at_ns` (text)."""
HOOK = "hook"
"""A hook: `name`, `outcome` (`begun`, `done`, `failed`), `error`."""
DUAL_WRITE = "dual_write"
"""Dual writing was seen to be on or off: `is_on`, `clock_seconds` (since 1970 by v1's clock)."""
LACKING = "source_lacks"
"""From when on v1 may lack rows that v2 has: `since_seconds`, or null once it has all of them again."""
BEHIND = "target_lacks"
"""From when on v2 may lack rows that writers gave v1 alone: `since_seconds`, or null once it has all of them; `until_seconds`, from
when on they surely give them to both again, or null while nobody knows."""
DELTA = "delta"
"""Rows are added to an open partition beside those that are there: `table`, `partition_id`, `host`, `state` (`begun`, `done`)."""
SEALING = "sealing"
"""A table's name is about to lead to its rows; from then on it does on some hosts: `table`."""
SEALED = "sealed"
"""A table has v1's rows, and its name leads to them: `table`, `clock_seconds`, `exact_until` (seconds; 0 where nothing was missed)."""
READS = "reads"
"""Readers were seen to be on `version` (`v1`, `v2`) since `clock_seconds`."""
EXPIRING = "expiring"
"""A table's rows expire: `table`; with `state` begun some hosts or parts may not know it yet."""
SWITCHES = {DUAL_WRITE: ("dual_write_on", "dual_write_off"), READS: ("reads_v2", "reads_v1")}
"""The hooks whose effect an event says to have been seen."""
ACCEPTED = "accepted"
"""A difference somebody accepted by name: `name`."""
DROPPED = "source_dropped"
"""A table of v1 is gone: `table`."""

REPORT = "report"
"""The sealed report is on disk: `path`, `sha256` of the file, `verdict`, `until_seconds` (null for all rows), `made_at`."""


class Behind(NamedTuple):
    """When rows came that v2 may lack, by their event times, in seconds since 1970."""

    since_seconds: float
    until_seconds: float | None
    """None while there may come more."""


class Report(NamedTuple):
    """The sealed report as it was last written."""

    path: str
    sha256: str
    """Of the file's bytes."""
    verdict: Verdict
    until_seconds: float | None
    """Rows with an event time before it were compared; None for all rows."""
    made_at: str
    """By the clock of the machine that made it, RFC 3339."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What has come about; all instants are seconds since 1970 by v1's clock."""

    proven: frozenset[str] = frozenset()
    """Cells."""
    skipped: frozenset[str] = frozenset()
    collapsed: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Table to the rows v1 has more often than v2 keeps them, of tables whose spec wants each but once."""
    watermarks: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Table to nanoseconds since 1970."""
    dual_write: bool | None = None
    """Whether it was last seen on; None before it was ever switched."""
    lacking_since: float | None = None
    """From when on v1 may lack rows that v2 has; None where it has all. Writers may write both again all the same."""
    behind: Behind | None = None
    """Rows that v2 may lack because dual writing was being ended; None where it was seen to have all."""
    half_added: frozenset[tuple[str, str, str]] = frozenset()
    """Table, partition id and host where rows were being added and nobody knows whether the aggregates have them too."""
    unseen: frozenset[str] = frozenset()
    """Hooks that were begun and whose effect nobody has seen since: readers, or writers, may be where they lead."""
    writers_paused: bool = False
    """Whether writers were told to pause and not, since then, to go on."""
    sealing: frozenset[str] = frozenset()
    """Tables whose names lead to their rows on some hosts at least."""
    sealed: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    exact_until: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Sealed tables of which it is only known that they were equal up to then."""
    reads: str = "v1"
    reads_at: float | None = None
    """When readers were last seen to have moved; None before they ever did."""
    expiring: frozenset[str] = frozenset()
    """Tables all parts of which know when their rows expire."""
    aging: frozenset[str] = frozenset()
    """Those, and tables of which nobody knows on how many hosts rows expire."""
    accepted: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()
    report: Report | None = None
    """None before one was made."""

    @property
    def are_both_whole(self) -> bool:
        """Whether writers write both, and v1 lacks nothing they wrote before."""
        return bool(self.dual_write) and self.lacking_since is None

    @property
    def is_proven(self) -> bool:
        """Whether the sealed report says that v2 has v1's rows."""
        return self.report is not None and self.report.verdict.is_proof


def of(events: Iterable[Event]) -> Facts:
    """Return what a journal's events come to."""
    proven, skipped, expiring, aging, accepted, dropped, sealing, unseen = (set[str]() for _ in range(8))
    watermarks: dict[str, int] = {}
    sealed: dict[str, float] = {}
    exact_until: dict[str, float] = {}
    half_added: set[tuple[str, str, str]] = set()
    collapsed: dict[str, dict[str, int]] = {}
    last: dict[str, Mapping[str, Any]] = {}
    is_paused = False
    lacking: float | None = None
    for event in events:
        facts, lacking, unseen = event.facts, _lacking_since(lacking, event), _unseen(unseen, event)
        is_paused = _is_paused(is_paused, event)
        match event.kind:
            case "proven" | "skipped":
                (proven if event.kind == PROVEN else skipped).add(str(facts["cell"]))
            case "collapsed":
                collapsed.setdefault(str(facts["table"]), {})[str(facts["partition_id"])] = int(facts["rows"])
            case "watermark":
                watermarks[str(facts["table"])] = int(facts["at_ns"])
            case "delta":
                place = (str(facts["table"]), str(facts["partition_id"]), str(facts["host"]))
                (half_added.add if facts["state"] == "begun" else half_added.discard)(place)
            case "sealing":
                sealing.add(str(facts["table"]))
            case "sealed":
                sealed[str(facts["table"])] = float(facts["clock_seconds"])
                exact_until[str(facts["table"])] = float(facts["exact_until"])
            case "expiring":
                (aging if facts.get("state") == "begun" else expiring).add(str(facts["table"]))
            case "accepted":
                accepted.add(str(facts["name"]))
            case "source_dropped":
                dropped.add(str(facts["table"]))
            case "dual_write" | "reads" | "report" | "target_lacks":
                last[event.kind] = facts
    dual, reads, report = last.get(DUAL_WRITE), last.get(READS), last.get(REPORT)
    return Facts(
        proven=frozenset(proven),
        skipped=frozenset(skipped),
        collapsed=MappingProxyType({name: sum(rows.values()) for name, rows in collapsed.items()}),
        watermarks=MappingProxyType(watermarks),
        dual_write=bool(dual["is_on"]) if dual else None,
        lacking_since=lacking,
        behind=_behind(last.get(BEHIND)),
        half_added=frozenset(half_added),
        unseen=frozenset(unseen),
        writers_paused=is_paused,
        sealing=frozenset(sealing),
        sealed=MappingProxyType(sealed),
        exact_until=MappingProxyType({name: at for name, at in exact_until.items() if at}),
        reads=str(reads["version"]) if reads else "v1",
        reads_at=float(reads["clock_seconds"]) if reads else None,
        expiring=frozenset(expiring),
        aging=frozenset(aging | expiring),
        accepted=frozenset(accepted),
        dropped=frozenset(dropped),
        report=_report(report) if report else None,
    )


def _lacking_since(before: float | None, event: Event) -> float | None:
    """From when on v1 may lack rows, once one more event is known."""
    if event.kind == LACKING:
        since = event.facts["since_seconds"]
        return None if since is None else float(since)
    if event.kind == DUAL_WRITE and not event.facts["is_on"] and before is None:
        return float(event.facts["clock_seconds"])
    return before


def _behind(told: Mapping[str, Any] | None) -> Behind | None:
    if told is None or told["since_seconds"] is None:
        return None
    until = told["until_seconds"]
    return Behind(float(told["since_seconds"]), None if until is None else float(until))


def _is_paused(before: bool, event: Event) -> bool:
    """Whether writers pause, once one more event is known."""
    if event.kind != HOOK or event.facts["name"] not in ("pause_writers", "resume_writers"):
        return before
    return event.facts["name"] == "pause_writers" or (before and event.facts["outcome"] != "done")


def _unseen(before: set[str], event: Event) -> set[str]:
    """The hooks whose effect nobody has seen, once one more event is known."""
    if event.kind == HOOK:
        name = str(event.facts["name"])
        return before | {name} if name in (*SWITCHES[DUAL_WRITE], *SWITCHES[READS]) else before
    return before - set(SWITCHES.get(event.kind, ()))


def _report(told: Mapping[str, Any]) -> Report:
    until = told["until_seconds"]
    return Report(
        path=str(told["path"]),
        sha256=str(told["sha256"]),
        verdict=Verdict(told["verdict"]),
        until_seconds=None if until is None else float(until),
        made_at=str(told["made_at"]),
    )
