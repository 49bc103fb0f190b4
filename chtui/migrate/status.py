"""What a run's status is as JSON, told by its process, or by its journal alone where none is up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chtui.clock import Clock, rfc3339
from chtui.migrate import facts as facts_of
from chtui.migrate import journal, kept_plan, ledger, plan, sealed_report
from chtui.migrate.facts import Facts
from chtui.migrate.layout import Layout
from chtui.migrate.lease_records import LeaseStatus
from chtui.migrate.progress import CellState, Status
from chtui.migrate.spec import Limits
from chtui.text import plural

SCHEMA = "chtui/1 migrate status"
NOT_RUNNING = "not running"
TROUBLES = ("failed", "refused", "unknown")
"""Events that tell an error."""


def to_document(
    status: Status,
    facts: Facts,
    limits: Limits,
    clock: Clock,
    *,
    plan_hash: str,
    generation: int,
    notes: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the status of a run whose process is up."""
    return {
        "schema": SCHEMA,
        "generated_at": rfc3339(clock.now()),
        "run": status.run,
        "stage": status.stage,
        "is_running": True,
        "cells": dict(status.cells),
        "rows": status.rows,
        "rows_done": status.rows_done,
        "rows_per_second": _rounded(status.rows_per_second),
        "eta_seconds": _rounded(status.eta_seconds),
        "eta_low_seconds": _rounded(status.eta_low_seconds),
        "eta_high_seconds": _rounded(status.eta_high_seconds),
        "held_up_by": status.held_up_by,
        "held_up_by_all": list(status.reasons),
        "last_error": status.last_error,
        "started_seconds": _rounded(status.started_seconds),
        "generation": generation,
        "plan_hash": plan_hash,
        "workers": limits.workers,
        "chunk_rows": limits.chunk_rows,
        **_facts(facts),
        "notes": [*_notes(facts), *notes],
    }


def offline(run: str, clock: Clock, directory: Path | None = None) -> dict[str, Any]:
    """Return the status of a run as its journal and its plan tell it; no process is asked, and no server.

    Raises:
        MigrateError: there is no such journal here, or it or the plan cannot be read.
    """
    header, events = journal.read(run, directory=directory)
    folder = directory or journal.directory_of(run)
    document = kept_plan.read(folder / kept_plan.FILE_NAME)
    kept, error, generation = [], "", 0
    lease: dict[str, str] | None = None
    for event in events:
        if event.kind not in ledger.NOISE:
            kept.append(event)
        elif event.kind in TROUBLES:
            error = str(event.facts.get("error", ""))
        elif event.kind == "lease":
            generation = int(event.facts["generation"])
            place = {key: str(event.facts[key]) for key in ("host", "database")}
            lease = {**place, "cluster": str(document.get("cluster", ""))}
    facts = facts_of.of(kept)
    layout = plan.layout_in(document)
    shares = layout.shares()
    done = proven(layout, facts)
    skipped = facts.skipped & shares.keys() - done
    counts = {
        CellState.PROVEN: len(done),
        CellState.SKIPPED: len(skipped),
        CellState.PLANNED: len(shares) - len(done) - len(skipped),
    }
    limits = ledger.limits_of(kept)
    return {
        "schema": SCHEMA,
        "generated_at": rfc3339(clock.now()),
        "run": run,
        "stage": NOT_RUNNING,
        "is_running": False,
        "cells": {str(state): counts.get(state, 0) for state in CellState},
        "rows": round(sum(shares.values())),
        "rows_done": round(sum(shares[name] for name in done)),
        "rows_per_second": None,
        "eta_seconds": None,
        "eta_low_seconds": None,
        "eta_high_seconds": None,
        "held_up_by": NOT_RUNNING,
        "held_up_by_all": [NOT_RUNNING],
        "last_error": error,
        "started_seconds": None,
        "generation": generation,
        "plan_hash": header.plan_hash,
        "workers": limits.get("workers"),
        "chunk_rows": limits.get("chunk_rows"),
        **_facts(facts),
        "lease": lease,
        "notes": _notes(facts),
    }


def proven(layout: Layout, facts: Facts) -> set[str]:
    """Return the names of cells that are proven: by themselves, or, with all rows of their table, by its seal."""
    cells = {cell.name: group.table for group in layout.groups for cell in layout.cells(group)}
    return {
        name
        for name, table in cells.items()
        if name in facts.proven or (table in facts.sealed and name not in facts.skipped)
    }


def lease_line(found: LeaseStatus | None) -> str:
    """Return who holds a lease, in a line."""
    if found is None:
        return "nobody ever took the lease"
    who = f"{found.holder}, generation {found.generation}"
    if found.is_released:
        return f"the lease is free; {who}, let go of it"
    if found.expires_in_seconds <= 0:
        return f"the lease ran out {-found.expires_in_seconds} s ago; {who}, gave no sign of life since"
    return f"{who}, holds the lease for {found.expires_in_seconds} s more; journal {found.journal}"


def to_text(document: Mapping[str, Any]) -> str:
    """Return a status for people, a fact a line."""
    cells = ", ".join(f"{count} {state}" for state, count in document["cells"].items() if count)
    lines = [
        f"run {document['run']}: {document['stage']}",
        f"cells: {cells or 'none yet'}",
        f"rows: {document['rows_done']} of {document['rows']}{_speed(document)}",
        f"held up by: {document['held_up_by'] or 'nothing'}",
        f"last error: {document['last_error'] or 'none'}",
        f"reads: {document['reads']}; dual write: {_switched(document['dual_write'])}",
    ]
    lines += [f"told and not seen yet: hook {name}" for name in document.get("hooks_unseen", ())]
    if document.get("source_lacks_since"):
        lines.append(
            f"v1 may lack rows since: {document['source_lacks_since']}; a rollback brings them back first"
        )
    if document.get("target_lacks_since"):
        lines.append(
            f"v2 may lack rows since: {document['target_lacks_since']}; they are brought over by the end of "
            "dual writing, or after a rollback"
        )
    lines += [
        f"collapsed: {plural(rows, 'row')} of {table} that v1 has once more"
        for table, rows in sorted(document.get("collapsed_rows", {}).items())
    ]
    if document["sealed"]:
        lines.append(f"sealed: {', '.join(document['sealed'])}")
        lines.append(f"report: {sealed_report.to_text(document['report'])}")
    lines += [f"skipped: {name}" for name in document["skipped"]]
    lines += [f"note: {text}" for text in document["notes"]]
    return "\n".join(lines)


def to_line(document: Mapping[str, Any]) -> str:
    """Return a status in one line, for who watches a run."""
    cells, total = document["cells"], sum(document["cells"].values())
    done = cells.get(str(CellState.PROVEN), 0)
    parts = [
        f"{document['stage']}: {done} of {plural(total, 'cell')}, {document['rows_done']} of {document['rows']} rows{_speed(document)}"
    ]
    if document["held_up_by"]:
        parts.append(f"held up by {document['held_up_by']}")
    elif cells.get(str(CellState.FAILED)):
        parts.append(f"last error {document['last_error']}")
    return "; ".join(parts)


def _facts(facts: Facts) -> dict[str, Any]:
    return {
        "watermarks": {table: str(at_ns) for table, at_ns in facts.watermarks.items()},
        "dual_write": facts.dual_write,
        "source_lacks_since": _instant(facts.lacking_since),
        "target_lacks_since": _instant(facts.behind.since_seconds if facts.behind else None),
        "hooks_unseen": sorted(facts.unseen),
        "collapsed_rows": dict(facts.collapsed),
        "sealed": sorted(facts.sealed),
        "reads": facts.reads,
        "skipped": sorted(facts.skipped),
        "accepted": sorted(facts.accepted),
        "report": sealed_report.to_json(facts.report),
    }


def _instant(seconds: float | None) -> str | None:
    return None if seconds is None else rfc3339(datetime.fromtimestamp(seconds, UTC))


def _notes(facts: Facts) -> list[str]:
    notes: list[str] = []
    if facts.skipped:
        number = plural(len(facts.skipped), "cell")
        notes.append(
            f"{number} skipped: v2 lacks their rows, and nothing this run says of itself can be exact"
        )
    if facts.report is not None and not facts.is_proven:
        notes.append(f"the sealed report says {facts.report.verdict}: it is not proven that v2 has v1's rows")
    return notes


def _speed(document: Mapping[str, Any]) -> str:
    if not document["rows_per_second"]:
        return ""
    eta, low, high = (document[f"eta_{name}seconds"] for name in ("", "low_", "high_"))
    return f", {document['rows_per_second']:.0f} rows/s, {eta:.0f} s to go ({low:.0f} to {high:.0f})"


def _switched(is_on: bool | None) -> str:
    return "never switched" if is_on is None else "on" if is_on else "off"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
