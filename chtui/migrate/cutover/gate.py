"""The gate before readers move: all that must be so, looked at again and again, and what stands in the way by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from chtui.errors import ChtuiError
from chtui.migrate.cutover import readers, recent, rights
from chtui.migrate.cutover.checks import DIFFERS, UNKNOWN, Check, Finding, demand, made
from chtui.migrate.cutover.readers import Readers
from chtui.migrate.cutover.rights import Rights
from chtui.migrate.cutover.server import SPOOL_SINCE, now_seconds
from chtui.migrate.errands import WAY_BACK
from chtui.migrate.facts import Facts
from chtui.migrate.hosts import Host, each
from chtui.migrate.questions import Questions
from chtui.migrate.sealed_report import exact
from chtui.migrate.spec import Flavour
from chtui.migrate.stand import Stand
from chtui.migrate.verification import State, Verdict
from chtui.text import format_seconds, one_line, plural

BEHIND_SECONDS = 60.0
"""How much later than v1's v2's newest row may be. Source: the plan's five minutes of freshness, of which the writers have most."""
OLD_ENTRY_SECONDS = 60
"""A replica's queue is never empty under live writes; an entry so old stands for trouble. Source: reference recipe 2.8."""
DELAY_SECONDS = 10
"""Source: reference recipe 2.8."""
SPOOL_LOOKS, SPOOL_EVERY_SECONDS = 10, 0.3
THREADS = 2

Say = Callable[[str], None]
BringOver = Callable[[int], None]
"""Have v2 get what it lacks of the last hours up to an instant, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One look."""

    checks: tuple[Check, ...]
    at_seconds: float
    """By v1's clock, since 1970."""
    readers: Readers
    rights: Rights

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the way."""
        return all(check.ok for check in self.checks)

    @property
    def open(self) -> tuple[Finding, ...]:
        """What does."""
        return tuple(finding for check in self.checks for finding in check.open)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "ok": self.ok,
            "at_seconds": self.at_seconds,
            "checks": [check.as_dict() for check in self.checks],
            "queries": [reader.as_dict() for reader in self.readers.readers],
        }


def look(
    stand: Stand,
    *,
    last: Gate | None = None,
    until_seconds: int | None = None,
    say: Say = lambda _: None,
) -> Gate:
    """Look at everything, or, after a `last` look, at everything but queries and rights, which are taken from it.

    Nothing is changed. Hours are compared up to `until_seconds` since 1970, a whole minute, or as far as late rows have come.
    `say` is told in a line what is being done.

    Raises:
        ConnectError, QueryError: v1's host does not tell the time, or not what its users may do.
    """
    # A host that hangs is found out once, within seconds, not by every check.
    each(stand.ground.hosts.everyone, Questions().version)
    facts = stand.facts()
    now = now_seconds(stand.ground.hosts.source)
    accepted = facts.accepted
    until = last_minute(stand, now) if until_seconds is None else until_seconds
    parts: tuple[tuple[str, Callable[[], tuple[str, list[Finding]]]], ...] = (
        ("sealed", partial(_sealed, stand, facts)),
        ("resolved", partial(_resolved, facts)),
        ("report", partial(_report, facts)),
        ("freshness", partial(_freshness, stand, now)),
        ("hours", partial(_hours, stand, until)),
        ("spool", partial(_spool, stand)),
        ("replicas", partial(_replicas, stand)),
    )
    checks: list[Check] = []
    for name, part in parts:
        say(name)
        checks.append(_made(name, part, accepted))
    say("queries of readers")
    found = last.readers if last else readers.look(stand, say=say)
    checks.append(made("readers", found.evidence, found.findings, accepted))
    say("rights of readers")
    allowed = last.rights if last else rights.look(stand, found.users)
    checks.append(made("rights", allowed.evidence, allowed.findings, accepted))
    stand.progress.name_differences(each.name for check in checks for each in check.findings)
    return Gate(tuple(checks), now, found, allowed)


def last_minute(stand: Stand, now: float) -> int:
    """Return the last whole minute before which no row can come any more, in seconds since 1970."""
    lateness = stand.ground.spec.retention.lateness_seconds
    return int((now - lateness) // recent.MINUTE_SECONDS) * recent.MINUTE_SECONDS


def hold(
    stand: Stand,
    checks: int,
    seconds: float,
    *,
    bring: BringOver | None = None,
    say: Say = lambda _: None,
) -> Gate:
    """Return the last look when so many in a row, so many seconds apart, found nothing in the way.

    Queries and rights are looked at once: they change with people, not with rows. `bring` is called before each look: where
    v2 drops what writers send twice, some of the last rows are always lacking until somebody brings them over.

    Raises:
        MigrateError: something stands in the way, or readers are to go back, exit code 1; something is not known, exit code 3;
            the run is to end.
    """
    found: Gate | None = None
    for number in range(max(1, checks)):
        if found is not None:
            stand.progress.sleep_unless(WAY_BACK, seconds)
        until = last_minute(stand, now_seconds(stand.ground.hosts.source))
        if bring is not None:
            say("rows v2 lacks")
            bring(until)
        found = look(stand, last=found, until_seconds=until, say=say)
        demand(found.checks, "moving readers")
        say(f"green {number + 1} of {max(1, checks)}")
    assert found is not None
    return found


def _made(name: str, part: Callable[[], tuple[str, list[Finding]]], accepted: frozenset[str]) -> Check:
    try:
        evidence, findings = part()
    except ChtuiError as error:
        what = one_line(error.line)
        return made(name, what, [Finding(name, what, error.fix or "try again", UNKNOWN)], accepted)
    return made(name, evidence, findings, accepted)


def _sealed(stand: Stand, facts: Facts) -> tuple[str, list[Finding]]:
    names = [table.name for table in stand.ground.spec.tables]
    found = [
        Finding(
            f"seal of {name}",
            f"{name} is not sealed: nobody has proven that it has all of v1's rows",
            "wait for the seal",
        )
        for name in names
        if name not in facts.sealed
    ]
    return f"{len(names) - len(found)} of {plural(len(names), 'table')} sealed", found


def _resolved(facts: Facts) -> tuple[str, list[Finding]]:
    found = [
        Finding(f"skipped {cell}", f"{cell} was left out", "copy it after all, or accept that v2 lacks it")
        for cell in sorted(facts.skipped - facts.proven)
    ]
    found += [
        Finding(
            f"aggregates of {table} {partition} on {host}",
            f"rows were being added to {table} {partition} on {host}, and nobody knows whether its aggregates have them",
            "let the run go on",
            UNKNOWN,
        )
        for table, partition, host in sorted(facts.half_added)
    ]
    if facts.writers_paused:
        found.append(
            Finding("writers", "writers were told to pause and not to go on", "have hook resume_writers run")
        )
    return "nothing is left open" if not found else plural(len(found), "thing") + " left open", found


def _report(facts: Facts) -> tuple[str, list[Finding]]:
    """A report takes as long as reading everything; that there is none yet shuts nothing, for every cell was proven by itself."""
    told = facts.report
    if told is None:
        return "none yet", []
    remedy = "see chtui migrate verify; the run makes it anew by itself"
    exit_code = UNKNOWN if told.verdict is Verdict.UNKNOWN else DIFFERS
    found = [Finding("report", f"the sealed report says {told.verdict}", remedy, exit_code)]
    return exact(told.verdict, told.until_seconds), [] if told.verdict.is_proof else found


def _freshness(stand: Stand, now: float) -> tuple[str, list[Finding]]:
    told: list[str] = []
    found: list[Finding] = []
    for table in stand.ground.spec.tables:
        fresh = recent.freshness(stand, table, now)
        ages = [_age(age) for age in (fresh.source_age_seconds, fresh.target_age_seconds)]
        told.append(f"{table.name} v1 {ages[0]}, v2 {ages[1]}")
        if fresh.behind_seconds > BEHIND_SECONDS:
            what = f"{table.name}: v2 is {format_seconds(fresh.behind_seconds)} behind v1"
            found.append(Finding(f"freshness of {table.name}", what, "see whether writers still write to v2"))
    return "; ".join(told), found


def _age(seconds: float | None) -> str:
    return "none today" if seconds is None else format_seconds(max(0.0, seconds))


def _hours(stand: Stand, until: int) -> tuple[str, list[Finding]]:
    spec = stand.ground.spec
    asker = Questions(THREADS)
    found: list[Finding] = []
    hours = 0
    for table in spec.tables:
        rows = recent.compared(stand, table, until, asker)
        hours += len({row.hour_seconds for row in rows})
        wrong = [row for row in rows if row.state is State.DIFFERS]
        silent = recent.unknown_hosts(rows)
        if wrong:
            first = wrong[0]
            what = (
                f"{table.name}: {plural(len({row.hour_seconds for row in wrong}), 'hour')} of the last {recent.HOURS} differ, the first "
                f"{first.hour_seconds} s since 1970 on {first.host}: {first.found.rows if first.found else 0} rows where v1 has "
                f"{first.wanted.rows if first.wanted else 0}"
            )
            found.append(
                Finding(
                    f"hours of {table.name}",
                    what,
                    "wait for the repair, or drill down with chtui migrate verify",
                )
            )
        elif silent:
            host, why = next(iter(silent.items()))
            found.append(
                Finding(
                    f"hours of {table.name}", f"{table.name} on {host}: {one_line(why)}", "try again", UNKNOWN
                )
            )
    return (
        f"{plural(hours, 'hour')} of {plural(len(spec.tables), 'table')} compared up to {until} s since 1970",
        found,
    )


def _spool(stand: Stand) -> tuple[str, list[Finding]]:
    database, hosts = stand.ground.spec.target.database, stand.ground.hosts.targets
    found: list[Finding] = []
    silent: list[str] = []
    for host, told in each(hosts, partial(_undelivered, stand)).items():
        if isinstance(told, ChtuiError):
            found.append(Finding(f"spool of {host}", one_line(told.line), told.fix, UNKNOWN))
        elif told is None:
            silent.append(str(host))
        else:
            for table, why in told.items():
                what = f"{database}.{table} on {host} has {why}"
                found.append(
                    Finding(
                        f"spool of {table} on {host}",
                        what,
                        "see that host's log, and system.distribution_queue there",
                    )
                )
    more = f"; {', '.join(silent)} cannot tell, hours do" if silent else ""
    return f"what was acknowledged is delivered on {plural(len(hosts), 'host')}{more}", found


def _undelivered(stand: Stand, host: Host) -> dict[str, str] | None:
    """What Distributed tables keep for long, by table; None where the host cannot tell.

    Under live writes something is under way at any moment: a table counts as empty that was so once.
    """
    if host.version < SPOOL_SINCE:
        return None
    left: dict[str, str] = {}
    for number in range(SPOOL_LOOKS):
        if number:
            stand.progress.sleep(SPOOL_EVERY_SECONDS)
        rows = host.rows("preflight_spool", {"databases": [stand.ground.spec.target.database]})
        now = {
            str(
                table
            ): f"{plural(int(files), 'file')} not delivered, {broken} broken, {plural(int(errors), 'error')}"
            for _, table, files, broken, errors in rows
            if int(files) or int(broken)
        }
        left = {table: why for table, why in now.items() if not number or table in left}
        if not left:
            break
    return left


def _replicas(stand: Stand) -> tuple[str, list[Finding]]:
    if stand.ground.spec.target.flavour is not Flavour.REPLICATED:
        return "tables are not replicated: every host is written by itself, and its hours are compared", []
    found: list[Finding] = []
    for host, told in each(stand.ground.hosts.targets, partial(_replicas_of, stand)).items():
        if isinstance(told, ChtuiError):
            found.append(Finding(f"replicas of {host}", one_line(told.line), told.fix, UNKNOWN))
        else:
            found += told
    return f"replicas on {plural(len(stand.ground.hosts.targets), 'host')}", found


def _replicas_of(stand: Stand, host: Host) -> list[Finding]:
    database = stand.ground.spec.target.database
    return [
        Finding(
            f"replica {table} on {host.id}",
            f"{table} on {host.id} {why}",
            "see its replication queue",
            DIFFERS,
        )
        for table, why in _troubles(host, database)
    ]


def _troubles(host: Host, database: str) -> Iterator[tuple[str, str]]:
    for table, is_readonly, is_expired, _, delay in host.rows("cutover_replicas", {"database": database}):
        if is_readonly or is_expired:
            yield str(table), "is read-only" if is_readonly else "has lost its Keeper session"
        elif int(delay) > DELAY_SECONDS:
            yield str(table), f"is {format_seconds(int(delay))} behind"
    for table, entries, failing, oldest, exception in host.rows("cutover_queue", {"database": database}):
        if int(failing):
            yield (
                str(table),
                f"fails at {failing} of {plural(int(entries), 'entry', 'entries')}: {one_line(exception, 160)}",
            )
        elif int(oldest) > OLD_ENTRY_SECONDS:
            yield str(table), f"has an entry {format_seconds(int(oldest))} old"
