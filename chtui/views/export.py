"""Facts as JSON, CSV and plain text: what `show` and `check` print, from the same facts the panes draw."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any

from chtui.clock import rfc3339
from chtui.health.findings import Assessment, Unchecked
from chtui.monitor.snapshot import Snapshot
from chtui.text import fit, format_seconds, one_line, sanitize
from chtui.views.table import Table, measured

SCHEMA = "chtui/1"
"""The envelope's version; it changes when a key changes its meaning or goes."""


def envelope(snapshot: Snapshot, pane: str, rows: Sequence[Any], unavailable: Mapping[str, str]) -> str:
    """Return facts (frozen records with units in their field names) as one JSON text."""
    hosts = [
        {
            "id": str(status.id),
            "state": str(status.state),
            "age_seconds": (snapshot.taken_at - status.answered_at).total_seconds()
            if status.answered_at
            else None,
            "error": status.error or None,
        }
        for status in snapshot.hosts
    ]
    return document(
        pane,
        snapshot.taken_at,
        rows,
        snapshot.profile,
        snapshot.cluster,
        hosts=hosts,
        unavailable=unavailable,
    )


def document(
    pane: str,
    generated_at: datetime,
    rows: Sequence[Any],
    profile: str | None = None,
    cluster: str | None = None,
    *,
    hosts: Sequence[Mapping[str, Any]] = (),
    unavailable: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return facts as one JSON text; without a profile and a cluster they are about several."""
    found = {
        "schema": f"{SCHEMA} {pane}",
        "generated_at": rfc3339(generated_at),
        "profile": profile,
        "cluster": cluster,
        "hosts": list(hosts),
        "rows": [asdict(row) for row in rows],
        "unavailable": dict(unavailable),
    }
    return json.dumps(found, default=_encode, allow_nan=False, indent=2)


def to_csv(record: type, rows: Sequence[Any]) -> str:
    """Return facts as CSV with a header line; a value that a spreadsheet would run as a formula is quoted by an apostrophe."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = [field.name for field in fields(record)]
    writer.writerow(names)
    for row in rows:
        writer.writerow([_plain(getattr(row, name)) for name in names])
    return stream.getvalue()


def to_text(table: Table) -> str:
    """Return a table as aligned plain text; without rows what the pane would say instead."""
    if not table.rows:
        return table.empty
    ready = measured(table)
    lines = [
        "  ".join(
            fit(column.title, width, column.right)
            for column, width in zip(ready.columns, ready.widths, strict=True)
        )
    ]
    for row in ready.rows:
        lines.append(
            "  ".join(
                fit(item.text, width, column.right)
                for item, column, width in zip(row.cells, ready.columns, ready.widths, strict=True)
            )
        )
    return "\n".join(line.rstrip() for line in lines)


def assessment_json(snapshot: Snapshot, assessment: Assessment) -> str:
    """Return what `check --json` prints."""
    document = json.loads(envelope(snapshot, "check", (), {}))
    document["rows"] = [
        {
            "severity": finding.severity.word,
            "rule": finding.rule,
            "host": str(finding.host) if finding.host else None,
            "object": finding.object or None,
            "summary": finding.summary,
            "evidence": finding.evidence or None,
            "since_seconds": finding.since_seconds,
            "advice": finding.advice or None,
        }
        for finding in assessment.findings
    ]
    document["unchecked"] = [_unchecked(item) for item in assessment.unchecked]
    document["too_old"] = [_unchecked(item) for item in assessment.too_old]
    document["exit_code"] = assessment.exit_code
    return json.dumps(document, allow_nan=False, indent=2)


def assessment_text(snapshot: Snapshot, assessment: Assessment) -> str:
    """Return what `check` prints: a line a finding, worst first, then what could not be checked."""
    lines: list[str] = []
    for finding in assessment.findings:
        since = (
            f" for {format_seconds(int(finding.since_seconds))}" if finding.since_seconds is not None else ""
        )
        where = f" {sanitize(finding.host)}" if finding.host else ""
        what = f" {sanitize(finding.object)}:" if finding.object else ""
        evidence = f" ({one_line(finding.evidence, 300)})" if finding.evidence else ""
        advice = f"; {finding.advice}" if finding.advice else ""
        lines.append(
            f"{finding.severity.word.upper()}{where}:{what} {one_line(finding.summary, 300)}{since}{evidence}{advice}"
        )
    lines.extend(
        f"UNCHECKED {_where(item)}{item.what}: {one_line(item.reason, 300)}" for item in assessment.unchecked
    )
    lines.extend(
        f"NOT AVAILABLE {_where(item)}{item.what}: {one_line(item.reason, 300)}"
        for item in assessment.too_old
    )
    up = sum(status.state.answers for status in snapshot.hosts)
    if not assessment.findings and not assessment.unchecked:
        lines.append(
            f"OK: cluster {sanitize(snapshot.cluster)}, {up} of {len(snapshot.hosts)} hosts up, nothing found"
        )
    return "\n".join(lines)


def _unchecked(item: Unchecked) -> dict[str, str | None]:
    return {"host": str(item.host) if item.host else None, "what": item.what, "reason": item.reason}


def _where(item: Unchecked) -> str:
    return f"{sanitize(item.host)}: " if item.host else ""


def _encode(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (tuple, list)):
        value = "; ".join(map(str, value))
    if isinstance(value, str):
        text = sanitize(value)
        return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
    return "" if value is None else value
