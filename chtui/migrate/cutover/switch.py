"""Moving readers to v2 and back, and ending dual writing: a hook, its effect observed, and only then written down."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any

from chtui.errors import MigrateError
from chtui.migrate import facts, hooks
from chtui.migrate.cutover import copy_back, gate, observe
from chtui.migrate.cutover.copy_back import CopiedBack
from chtui.migrate.cutover.server import now_seconds
from chtui.migrate.errands import WAY_BACK
from chtui.migrate.hooks import Confirmed
from chtui.migrate.stand import Stand
from chtui.text import format_seconds

READS_V1, READS_V2 = "reads_v1", "reads_v2"
DUAL_ON, DUAL_OFF = "dual_write_on", "dual_write_off"
CHECKS, EVERY_SECONDS = 3, 20.0
"""How often, and how far apart, the gate must be found open."""
NOBODY_READS, NOBODY_WRITES = "no readers", "no writers"
"""Names to force: there is nobody whom one could observe."""
DAY_SECONDS = 86400
LAST_ROWS = "last rows of v1"
"""What a run does while rows that writers sent to both may be under way to v2."""
BRING_TRIES = 5
"""How often v2 may be found to lack rows when nobody writes to v1 any more: the last look finds none."""

Say = Callable[[str], None]
Bring = Callable[[float, int], int]
"""Brings v2 what it lacks of v1's rows between two event times, in seconds since 1970; says how much. It takes nothing away."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long observation takes."""

    checks: int = CHECKS
    every_seconds: float = EVERY_SECONDS
    quiet_seconds: float = observe.QUIET_SECONDS
    most_seconds: float = observe.MOST_SECONDS


@dataclass(frozen=True, slots=True)
class Switched:
    """What came of moving readers or writers."""

    what: str
    """`reads v2`, `reads v1`, `dual write off`."""
    at_seconds: float
    """When it was seen, by v1's clock."""
    took_seconds: float
    seen: str
    """What was seen, in a line."""
    copied_back: tuple[CopiedBack, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def cutover(
    stand: Stand,
    confirmed: Confirmed,
    *,
    bring: gate.BringOver | None = None,
    force_names: Collection[str] = (),
    timing: Timing = Timing(),
    say: Say = lambda _: None,
) -> Switched:
    """Move readers to v2, once the gate was found open again and again; may be called again at any time.

    `bring` brings v2 what it lacks before each look. `force_names` are findings that are accepted from now on, or `no readers`
    where nobody could be observed.

    Raises:
        MigrateError: the gate is shut or readers did not move, exit code 1; that is not known, exit code 3; there is no hook, 2.
    """
    hooks.demanded(stand, READS_V2)
    _demand_source(stand)
    accept(stand, force_names)
    stand.progress.stage("cutover")
    gate.hold(stand, timing.checks, timing.every_seconds, bring=bring, say=say)
    return _move(stand, "v2", READS_V2, confirmed, nobody=NOBODY_READS in force_names, timing=timing)


def rollback(
    stand: Stand,
    confirmed: Confirmed,
    *,
    force_names: Collection[str] = (),
    timing: Timing = Timing(),
    say: Say = lambda _: None,
) -> Switched:
    """Move readers back to v1; where v1 may lack rows, first write both again and copy back what it lacks.

    Raises:
        MigrateError: v1 is gone or cannot get back what it lacks, or readers did not move, exit code 1; that is not known,
            exit code 3; there is no hook, exit code 2.
    """
    hooks.demanded(stand, READS_V1)
    _demand_source(stand)
    known = stand.facts()
    stand.progress.stage("rollback")
    copied: tuple[CopiedBack, ...] = ()
    if known.lacking_since is not None:
        hooks.demanded(stand, DUAL_ON)
        if known.dual_write is False:
            copy_back.demand_invertible(stand)
        say("rows go to v1 again")
        # Also where they seem to: whoever stopped that, or began to go back, may have been killed in the middle.
        _write_both(stand, confirmed, timing, nobody=NOBODY_WRITES in force_names)
        until = _newest(stand)
        copied = copy_back.run(stand, known.lacking_since, until, say=say)
        if known.behind is not None:
            # What v2 lacks looks bring over, once there are any again.
            told = {"since_seconds": known.behind.since_seconds, "until_seconds": until}
            stand.hands.diary.append(facts.BEHIND, told)
        stand.hands.diary.append(facts.LACKING, {"since_seconds": None})
    found = _move(stand, "v1", READS_V1, confirmed, nobody=NOBODY_READS in force_names, timing=timing)
    return Switched(found.what, found.at_seconds, found.took_seconds, found.seen, copied)


def rollback_means(stand: Stand) -> str:
    """Return in a line what a rollback would do now."""
    known = stand.facts()
    if known.dropped:
        return f"there is no way back: {', '.join(sorted(known.dropped))} of v1 is gone"
    if known.lacking_since is None:
        return "readers go back to v1 in seconds; v1 has every row, for writers write both"
    age = format_seconds(max(0.0, now_seconds(stand.ground.hosts.source) - known.lacking_since))
    since = f"v1 got no rows for {age}" if known.dual_write is False else f"v1 may lack rows since {age} ago"
    lost = copy_back.not_invertible(stand)
    if lost:
        return f"no way back without loss: {since}, and v2 cannot give back {'; '.join(lost)}"
    return f"{since}: writers write both again, those rows are copied back and proven, then readers go back"


def stop_dual_write(
    stand: Stand,
    confirmed: Confirmed,
    *,
    bring: Bring,
    early: bool = False,
    force_names: Collection[str] = (),
    timing: Timing = Timing(),
) -> Switched:
    """Have writers write to v2 alone: the last step, refused before the retention ends unless `early`.

    It is done when v1 gets no rows, and v2 has all that v1 ever got: as long as rows may be under way that is waited for.

    Raises:
        MigrateError: readers are on v1 or to go back, or the retention has not ended, or v1 still gets rows, or v2 lacks
            some again and again, exit code 1; that is not known, exit code 3; there is no hook, exit code 2.
        QueryError, ConnectError: rows cannot be brought over.
    """
    began = _demand_last_step(stand, early=early)
    # Before the hook, which may have an effect whatever becomes of it and of this process.
    known = stand.facts()
    if known.lacking_since is None:
        stand.hands.diary.append(facts.LACKING, {"since_seconds": began})
    since = known.behind.since_seconds if known.behind else known.lacking_since or began
    stand.hands.diary.append(facts.BEHIND, {"since_seconds": since, "until_seconds": None})
    hooks.run(stand, DUAL_OFF, confirmed)
    going = observe.await_writers(
        stand,
        quiet_seconds=timing.quiet_seconds,
        most_seconds=timing.most_seconds,
        nobody_writes=NOBODY_WRITES in force_names,
    )
    _bring_last(stand, bring, since)
    stand.hands.diary.append(facts.BEHIND, {"since_seconds": None, "until_seconds": None})
    stand.hands.diary.append(facts.DUAL_WRITE, {"is_on": False, "clock_seconds": began})
    took = now_seconds(stand.ground.hosts.source) - began
    return Switched(
        "dual write off", began, took, f"v1 gets no rows; v2 gets them in {', '.join(going) or 'no table'}"
    )


def note_whole(stand: Stand, until_seconds: int) -> None:
    """Write down that v2 was seen to have all rows of v1 up to an instant, where it was not known to.

    Raises:
        MigrateError: the journal or the lease does not allow it.
    """
    behind = stand.facts().behind
    if behind and behind.until_seconds is not None and until_seconds >= behind.until_seconds:
        stand.hands.diary.append(facts.BEHIND, {"since_seconds": None, "until_seconds": None})


def _demand_last_step(stand: Stand, *, early: bool) -> float:
    """Return v1's clock where dual writing may be ended."""
    hooks.demanded(stand, DUAL_OFF)
    known = stand.facts()
    if known.reads != "v2" or known.reads_at is None:
        raise MigrateError(
            "readers are on v1: it must go on getting rows", fix="move readers to v2 first", exit_code=1
        )
    if READS_V1 in known.unseen:
        raise MigrateError(
            "readers were told to move back to v1, and nobody has seen where they are",
            fix="move them for certain first: chtui migrate cutover, or rollback",
            exit_code=1,
        )
    began = now_seconds(stand.ground.hosts.source)
    days = stand.ground.spec.retention.keep_source_days
    left = known.reads_at + days * DAY_SECONDS - began
    if left > 0 and not early:
        raise MigrateError(
            f"v1 is to be kept complete for {days:g} days after readers moved, {format_seconds(left)} more",
            fix="wait, or say early: a rollback then copies rows back first",
            exit_code=1,
        )
    return began


def _bring_last(stand: Stand, bring: Bring, since: float) -> None:
    """Have v2 get what reached v1 alone while writers moved; v1 stays as it is meanwhile."""
    before, until = observe.blocks(stand, "v1"), math.ceil(_newest(stand))
    # What writers sent to both may reach v2 later: brought over before, it would be there twice.
    stand.progress.stage(LAST_ROWS)
    left = until + stand.ground.spec.retention.lateness_seconds - now_seconds(stand.ground.hosts.source)
    stand.progress.sleep_unless(WAY_BACK, max(0.0, left))
    for _ in range(BRING_TRIES):
        if not bring(since, until):
            break
    else:
        raise MigrateError(
            "v2 lacks rows of v1 again and again: dual writing has not ended for certain",
            fix="see chtui migrate status, and ask again, or roll back",
            exit_code=1,
        )
    if again := observe.grew(before, observe.blocks(stand, "v1")):
        raise MigrateError(
            f"v1 got rows again: {', '.join(again)}",
            fix="see that writers write to v2 alone, then ask again",
            exit_code=1,
        )


def _newest(stand: Stand) -> float:
    """The newest event time a row may have by now: events may lie ahead of the clock that says when they were written."""
    spec = stand.ground.spec
    ahead = min(spec.limits.watermark_after_seconds, spec.retention.lateness_seconds)
    return now_seconds(stand.ground.hosts.source) + ahead


def accept(stand: Stand, names: Collection[str]) -> None:
    """Write down that findings of these names are accepted.

    Raises:
        MigrateError: the journal or the lease does not allow it.
    """
    known = stand.facts().accepted
    for name in dict.fromkeys(names):
        if name not in known and name not in (NOBODY_READS, NOBODY_WRITES):
            stand.hands.diary.append(facts.ACCEPTED, {"name": name})


def _demand_source(stand: Stand) -> None:
    dropped = stand.facts().dropped
    if dropped:
        raise MigrateError(
            f"{', '.join(sorted(dropped))} of v1 is gone", fix="there is no way back", exit_code=1
        )


def _move(
    stand: Stand, version: str, hook: str, confirmed: Confirmed, *, nobody: bool, timing: Timing
) -> Switched:
    began = now_seconds(stand.ground.hosts.source)
    hooks.run(stand, hook, confirmed)
    since = now_seconds(stand.ground.hosts.source)
    seen = observe.await_readers(
        stand,
        version,
        since,
        quiet_seconds=timing.quiet_seconds,
        most_seconds=timing.most_seconds,
        nobody_reads=nobody,
    )
    at = now_seconds(stand.ground.hosts.source)
    stand.hands.diary.append(facts.READS, {"version": version, "clock_seconds": at})
    told = f"{seen.queries[version]} queries of {version}, none of the other for {format_seconds(timing.quiet_seconds)}"
    return Switched(f"reads {version}", at, at - began, told)


def _write_both(stand: Stand, confirmed: Confirmed, timing: Timing, *, nobody: bool) -> None:
    """Have writers write to v1 too, and see that it gets rows."""
    hooks.run(stand, DUAL_ON, confirmed)
    at = now_seconds(stand.ground.hosts.source)
    observe.await_source(stand, most_seconds=timing.most_seconds, nobody_writes=nobody)
    stand.hands.diary.append(facts.DUAL_WRITE, {"is_on": True, "clock_seconds": at})
