"""The sealed report: what a run leaves of its seal, every digest of both sides, and by whom, when, and up to when it is exact."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import chtui
from chtui.clock import Clock, SystemClock, rfc3339
from chtui.errors import MigrateError
from chtui.migrate import benchmarks, facts, plan, report, verify
from chtui.migrate.benchmarks import Timed
from chtui.migrate.facts import Facts, Report
from chtui.migrate.lease_records import myself
from chtui.migrate.live.comparing import Place
from chtui.migrate.live.watermark import NANOSECONDS, clock_seconds
from chtui.migrate.stand import Stand
from chtui.migrate.verification import Compared, State, Verdict, Verification

FILE_NAME = "report.json"
SCHEMA, VERSION = "chtui/1 migrate seal", 1
STEP = "the sealed report"
AGAIN = "put it back, or have it made anew by chtui migrate run"


def judge(found: Verification, accepted: Iterable[str]) -> Verdict:
    """Return what a verification proves where some places may differ because somebody said so by name."""
    names = frozenset(accepted)
    is_equal = (
        all(_place(each) in names for each in found.differing)
        and not any(check.state is State.DIFFERS for check in found.aggregates)
        and not any(each.no_shard_rows for each in found.totals)
    )
    if not is_equal:
        return Verdict.DIFFERS
    states = {each.state for each in found.compared} | {check.state for check in found.aggregates}
    if State.UNKNOWN in states or found.failures:
        return Verdict.UNKNOWN
    return Verdict.ACCEPTED if found.differing else Verdict.EQUAL


def comparable_until(known: Facts, lateness_seconds: float, now_seconds: float) -> float | None:
    """Return up to which event time v1 and v2 can be equal by now, since 1970; None for all rows, of a v1 that is still.

    Both instants are by v1's clock. Rows sent while both are written have had time to come after the lateness; from where
    on v1 may lack rows nothing can be said.
    """
    if known.dual_write is None:
        return None
    end = now_seconds if known.lacking_since is None else known.lacking_since
    return end - lateness_seconds


def look(stand: Stand) -> Verification:
    """Compare everything that can be compared by now, as `verify` does.

    Raises:
        MigrateError: the run was told to end, or v1's clock cannot be read.
        QueryError, ConnectError: the same.
    """
    spec, known = stand.ground.spec, stand.facts()
    now = 0.0 if known.dual_write is None else clock_seconds(stand.ground.hosts.source)
    return verify.run(
        stand.ground,
        until_seconds=comparable_until(known, spec.retention.lateness_seconds, now),
        whole_hours=False,
        say=lambda _: stand.progress.gate(STEP),
    )


def is_whole(stand: Stand) -> bool:
    """Return whether there is nothing to do for `ensure`: a report that proves all is there, or there is none to be made."""
    known = stand.facts()
    if stand.folder is None or not all(table.name in known.sealed for table in stand.ground.spec.tables):
        return True
    # v1 and v2 differ from then on, and are meant to.
    if known.dropped or known.aging:
        return True
    return known.report is not None and known.is_proven and not trouble(known.report)


def ensure(stand: Stand, seen: Verification | None = None, *, clock: Clock | None = None) -> None:
    """Write the report of a sealed run where it has none that proves all; may be called again after any end.

    `seen` is a comparison of all rows that was made for the seal; nothing is compared again then.

    Raises:
        MigrateError: a host would not tell and nothing differs, exit code 3: nothing is written then. Or the report cannot
            be written, or the journal or the lease do not allow it, or the run was told to end.
        QueryError, ConnectError: v1's clock cannot be read.
    """
    if is_whole(stand) or stand.folder is None:
        return
    spec, known = stand.ground.spec, stand.facts()
    found = seen or look(stand)
    verdict = judge(found, known.accepted)
    if verdict is Verdict.UNKNOWN:
        raise MigrateError(
            f"the sealed report cannot be made: {_unknown(found)}",
            fix="see the host; it is tried again",
            exit_code=3,
        )
    timed = benchmarks.run(stand.ground, say=lambda _: stand.progress.gate(STEP)) if spec.benchmarks else ()
    stand.hands.permit.check()
    made_at = rfc3339((clock or SystemClock()).now())
    path = stand.folder / FILE_NAME
    digest = report.keep(path, to_document(stand, found, timed, made_at))
    stand.hands.diary.append(
        facts.REPORT,
        {
            "path": str(path),
            "sha256": digest,
            "verdict": str(verdict),
            "until_seconds": found.until_seconds,
            "made_at": made_at,
        },
    )


def to_document(stand: Stand, found: Verification, timed: Sequence[Timed], made_at: str) -> dict[str, Any]:
    """Return the report as JSON holds it, with `sha256` over everything else in it."""
    spec, known = stand.ground.spec, stand.facts()
    verdict = judge(found, known.accepted)
    return report.signed(
        {
            "schema": SCHEMA,
            "version": VERSION,
            "generated_at": made_at,
            "chtui_version": chtui.__version__,
            "run": stand.hands.run,
            "spec": spec.name,
            "spec_hash": plan.hash_of(spec),
            "plan_hash": stand.plan_hash,
            "verdict": str(verdict),
            "is_proof": verdict.is_proof,
            "exact": exact(verdict, found.until_seconds),
            "sealed_at": _instant(max(known.sealed.values())),
            "sealed_by": {
                "holder": myself(stand.folder or Path()).holder,
                "generation": stand.hands.permit.generation,
            },
            "tables": [_table(name, known) for name in (table.name for table in spec.tables)],
            "accepted": sorted(known.accepted),
            "not_exact": sorted({_place(each) for each in found.differing}),
            "deviations": [asdict(each) for each in spec.deviations],
            "drops": plan.drops(spec),
            "not_mapped": dict(spec.not_mapped),
            **report.found_in(found),
            "benchmarks": [each.as_dict() for each in timed],
            "notes": [note for each in timed for note in each.notes],
        }
    )


def exact(verdict: Verdict, until_seconds: float | None) -> str:
    """Return in words how exact v2 is."""
    if not verdict.is_proof:
        return f"not exact: {verdict}"
    until = "" if until_seconds is None else f" up to {_instant(until_seconds)}"
    return f"exact{until}{', but for what was accepted' if verdict is Verdict.ACCEPTED else ''}"


def read(path: Path) -> dict[str, Any]:
    """Return what a sealed report holds.

    Raises:
        MigrateError: it cannot be read, is none, is of a newer chtui, or was changed since it was written.
    """
    return report.read(path, SCHEMA, VERSION)


def trouble(told: Report) -> str:
    """Return why the file is not the one the journal knows; empty where it is."""
    try:
        with Path(told.path).open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"{told.path} cannot be read: {error.strerror or type(error).__name__}"
    return "" if found == told.sha256 else f"{told.path} was changed since it was written"


def demand(known: Facts) -> str:
    """Return why the sealed report does not prove that v2 has all rows; empty where it does."""
    if known.report is None:
        return "no sealed report proves that v2 has all rows"
    if not known.is_proven:
        return f"the sealed report says {known.report.verdict}"
    return trouble(known.report)


def to_json(told: Report | None) -> dict[str, Any] | None:
    """Return what a status says of the report."""
    if told is None:
        return None
    return {
        **told._asdict(),
        "verdict": str(told.verdict),
        "is_proof": told.verdict.is_proof,
        "exact": exact(told.verdict, told.until_seconds),
    }


def to_text(told: Mapping[str, Any] | None) -> str:
    """Return what `to_json` gives in a line."""
    return "none yet" if told is None else f"{told['path']}: {told['exact']}; made {told['made_at']}"


def _table(name: str, known: Facts) -> dict[str, Any]:
    until, at_ns = known.exact_until.get(name), known.watermarks.get(name)
    return {
        "table": name,
        "sealed_at": _instant(known.sealed[name]),
        # Without a pause of writers the seal itself vouches for no later rows.
        "seal_exact_until": None if until is None else _instant(until),
        "watermark": None if at_ns is None else _instant(at_ns / NANOSECONDS),
        "watermark_ns": None if at_ns is None else str(at_ns),
    }


def _place(each: Compared) -> str:
    return Place(each.table, each.partition_id, each.shard_num, each.host).name


def _unknown(found: Verification) -> str:
    told = [f"{failure.host}: {failure.error}" for failure in found.failures]
    told += [each.error for each in found.compared] + [check.error for check in found.aggregates]
    return next((error for error in told if error), "a server did not tell all")


def _instant(seconds: float) -> str:
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
