"""What a pane or a detail is made of before anyone draws, prints or exports it: pages of parts, a part being one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from chtui.monitor.keeper_probes import MEMBER_PROBES, ZNODE_PROBES
from chtui.monitor.probe import IDLE_SECONDS
from chtui.monitor.probes import PROBES
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import STALE_MARGIN_SECONDS, Snapshot
from chtui.records import KEEPER, HostId, Sample
from chtui.text import format_seconds, one_line, plural, sanitize
from chtui.views.pieces import Figure, Piece
from chtui.views.table import Column, Row, Table

if TYPE_CHECKING:
    from chtui.act.plans import Plan
    from chtui.views.plot import Plot

Subject = tuple[str, ...]
"""What a page is about: the words of a link, as many as the page's `subject` names; empty for a pane."""
NAMED_HOSTS = 3
"""So many hosts are named in a note; of more only the count is told."""


class Part(NamedTuple):
    """One table of a page: what is asked for it, the facts that come of it, and how they are drawn."""

    name: str
    """What `show PAGE.PART` and a link call it."""
    title: str
    """What stands above it when the page has several."""
    record: type
    """The facts' type, a frozen dataclass; its fields are the JSON keys."""
    columns: tuple[Column, ...]
    wants: Callable[[Subject], tuple[Want, ...]]
    """The probes it reads; nothing else is polled while it is on screen."""
    facts: Callable[[Snapshot, Subject], Sequence[Any]]
    """The facts, in the order they are drawn in."""
    rows: Callable[[Snapshot, Subject, Sequence[Any]], tuple[Row, ...]]
    """The rows of the facts."""
    fields: Mapping[str, Sequence[str]] = MappingProxyType({})
    """Probe to the facts' fields that have no value while it gives none; no field: the rows lack nothing without it."""
    empty: str = "nothing to show"
    """What is said when everything was asked and there is no row; a positive statement."""
    frozen: int = 1
    """How many columns stay when the others are scrolled."""
    figures: Callable[[Snapshot, Subject], tuple[Figure, ...]] | None = None
    """Labelled values above the table."""
    plot: Callable[[Snapshot, Subject], Plot | None] | None = None
    """A plot above the table."""
    plan: Callable[[Snapshot, Subject, Sequence[str]], Plan] | None = None
    """The dangerous action on the rows with these keys, or on what the page is about; raises UsageError when there is nothing it can do."""
    demand: str = ""
    """What asking costs, for a part that is asked only when the person says so; empty for one that is polled."""


class Page(NamedTuple):
    """A pane, or the detail of something in one."""

    name: str
    """What `:name`, `show NAME` and links call it."""
    parts: tuple[Part, ...]
    """At least one; the first is shown first."""
    subject: tuple[str, ...] = ()
    """What a link to it must name; none for a pane."""
    heading: Callable[[Snapshot, Subject], tuple[Piece, ...]] | None = None
    """What the page is about; None: its name and subject."""

    def part(self, name: str) -> Part | None:
        """Return a part by name, the first for no name, None if there is no such part."""
        if not name:
            return self.parts[0]
        return next((part for part in self.parts if part.name == name), None)


def heading(page: Page, snapshot: Snapshot, subject: Subject) -> tuple[Piece, ...]:
    """Return the line that says what the page is about; empty for a pane."""
    if page.heading is not None:
        return page.heading(snapshot, subject)
    return (Piece(page.name, "muted"), Piece(sanitize(" ".join(subject)), "accent")) if subject else ()


def table(part: Part, snapshot: Snapshot, subject: Subject, is_asked: bool = True) -> Table:
    """Return a part's table; without rows it says whether there are none, or why none is known."""
    if part.demand and not is_asked:
        return Table(part.columns, (), f"press enter to ask: {part.demand}")
    rows = part.rows(snapshot, subject, part.facts(snapshot, subject))
    return Table(part.columns, rows, "" if rows else nothing(part, snapshot, subject))


def nothing(part: Part, snapshot: Snapshot, subject: Subject) -> str:
    """Return what to say instead of rows: that there are none only where that is known of every host."""
    if not snapshot.hosts:
        return one_line(snapshot.error) or "asking the seed hosts for the cluster ..."
    found = _samples(part, snapshot, subject)
    members = {member.host for member in snapshot.keeper_members} | {KEEPER}
    for host, _, _ in found:
        if host not in members and snapshot.host(host) is None:
            return f"{sanitize(host)} is not in the cluster"
    reasons = sorted({reason for _, _, sample in found if (reason := trouble(sample))})
    if any(sample is None for _, _, sample in found) and not reasons:
        return "asking the hosts ..."
    silent = {host for host, _, sample in found if sample is None or trouble(sample)}
    if not silent:
        return part.empty
    answered = {host for host, _, _ in found} - silent
    if not answered:
        return f"not known: {one_line(reasons[0])}" if reasons else "no host has answered"
    return f"{part.empty} on {plural(len(answered), 'host')}; not known of {plural(len(silent), 'host')}"


def trouble(sample: Sample | None) -> str:
    """Return why a sample gives nothing, or nothing new; empty if it does."""
    return (sample.unavailable or sample.error) if sample else ""


def notes(part: Part, snapshot: Snapshot, subject: Subject) -> tuple[Piece, ...]:
    """Return what the rows do not say: hosts that are missing in them and why, rows that are cut or old."""
    silent: dict[str, list[str]] = {}
    cut: list[str] = []
    oldest, stale, interval = 0.0, 0.0, 0.0
    for host, want, sample in _samples(part, snapshot, subject):
        status = snapshot.host(host)
        if status is not None and not status.state.answers:
            silent.setdefault(str(status.state), []).append(str(host))
        elif reason := trouble(sample):
            silent.setdefault(reason, []).append(str(host))
        if sample is None or sample.taken_at is None:
            continue
        age, due = (
            (snapshot.taken_at - sample.taken_at).total_seconds(),
            interval_of(want, snapshot, sample),
        )
        interval = max(interval, due)
        if age > due + STALE_MARGIN_SECONDS:
            stale = max(stale, age)
        oldest = max(oldest, age)
        if "rows" in sample.missing:
            cut.append(f"{host}: {sample.missing['rows']}")
        limit = PROBES[want.probe].max_rows if want.probe in PROBES else None
        if limit is not None and len(sample.rows) >= limit:
            cut.append(f"only the first {limit} rows of {host}")
    pieces = [Piece(sanitize(text), "warning") for text in dict.fromkeys(cut)]
    everywhere = len(snapshot.hosts)
    for reason, hosts in silent.items():
        names = sorted(set(hosts))
        where = "" if len(names) == everywhere > 1 else f"{_named(names)}: "
        pieces.append(Piece(sanitize(f"{where}{one_line(reason, 160)}"), "warning"))
    if stale:
        pieces.append(Piece(f"oldest rows {format_seconds(int(stale))} old", "warning"))
    elif interval > 10:
        # In steps: a figure that changes every second would be sent every second.
        pieces.append(Piece(f"rows up to {format_seconds(int(oldest) // 10 * 10 + 10)} old", "muted"))
    return tuple(pieces)


def interval_of(want: Want, snapshot: Snapshot, sample: Sample) -> float:
    """Return the seconds between two answers of a probe."""
    probe = PROBES.get(want.probe)
    if probe is None:
        return snapshot.intervals.keeper
    seconds = float(getattr(snapshot.intervals, probe.interval))
    return max(seconds, IDLE_SECONDS) if probe.is_idle(sample) else seconds


def unavailable(part: Part, snapshot: Snapshot, subject: Subject) -> dict[str, str]:
    """Return field to reason for the facts some host could not give."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for host, want, sample in _samples(part, snapshot, subject):
        status = snapshot.host(host)
        reason = trouble(sample) if sample else (status.error if status else "") or "no answer yet"
        names = part.fields.get(want.probe, ("*",))
        if reason and not (sample and sample.rows):
            for name in names:
                reasons.setdefault(name, {}).setdefault(reason, []).append(str(host))
        for name, why in (sample.missing if sample else {}).items():
            reasons.setdefault(name, {}).setdefault(why, []).append(str(host))
    everywhere = len(snapshot.hosts)
    return {
        name: "; ".join(
            reason if len(set(hosts)) == everywhere else f"{', '.join(sorted(set(hosts)))}: {reason}"
            for reason, hosts in found.items()
        )
        for name, found in reasons.items()
    }


def _samples(part: Part, snapshot: Snapshot, subject: Subject) -> list[tuple[HostId, Want, Sample | None]]:
    """The samples the rows are made of; what they lack nothing without is left out."""
    return [
        (host, want, snapshot.sample(host, want.key))
        for want in part.wants(subject)
        if part.fields.get(want.probe) != ()
        for host in hosts_of(want, snapshot)
    ]


def hosts_of(want: Want, snapshot: Snapshot) -> tuple[HostId, ...]:
    """Return the hosts a want is about: one, all of the cluster, or the ensemble."""
    if want.host is not None:
        return (want.host,)
    if want.probe in ZNODE_PROBES:
        return (KEEPER,)
    if want.probe in MEMBER_PROBES:
        return tuple(member.host for member in snapshot.keeper_members)
    return tuple(status.id for status in snapshot.hosts)


def _named(names: Sequence[str]) -> str:
    if len(names) <= NAMED_HOSTS:
        return ", ".join(names)
    return f"{plural(len(names), 'host')} ({names[0]}, ...)"
