"""The report of a verification: a file with every digest, which tells whether it was changed since."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from chtui import paths
from chtui.clock import Clock, rfc3339
from chtui.errors import MigrateError
from chtui.migrate.benchmarks import Timed
from chtui.migrate.digests import Digest
from chtui.migrate.drill import Drilled, Minute
from chtui.migrate.plan import hash_of
from chtui.migrate.verification import AggregateCheck, Compared, Totals, Verification
from chtui.records import HostId

VERSION = 1
SCHEMA = "chtui/1 migrate verification"
SEAL = "sha256"
"""The last field: the SHA-256 of all others."""
AGAIN = "verify again with chtui migrate verify"


def to_document(
    verification: Verification,
    plan_hash: str,
    clock: Clock,
    *,
    run: str = "",
    drilled: Iterable[Drilled] = (),
    timed: Iterable[Timed] = (),
) -> dict[str, Any]:
    """Return a verification as JSON holds it, with `sha256` over everything else in it; 64-bit numbers are strings."""
    return signed(
        {
            "schema": SCHEMA,
            "version": VERSION,
            "generated_at": rfc3339(clock.now()),
            "run": run,
            "plan_hash": plan_hash,
            "verdict": str(verification.state),
            "exit_code": verification.exit_code,
            **found_in(verification),
            "drilled": [
                {**_place(each.of), "minutes": [_minute(minute) for minute in each.minutes]}
                for each in drilled
            ],
            "benchmarks": [each.as_dict() for each in timed],
        }
    )


def signed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with its seal as the last field."""
    return {**document, SEAL: hash_of(document)}


def found_in(verification: Verification) -> dict[str, Any]:
    """Return what was found, every digest of both sides, as JSON holds it."""
    return {
        "until_seconds": verification.until_seconds,
        "host_versions": _by_host(verification.versions),
        "totals": [_totals(each) for each in verification.totals],
        "failures": [{**each._asdict(), "host": str(each.host)} for each in verification.failures],
        "not_verified": dict(verification.not_verified),
        "hours": [_compared(each) for each in verification.compared],
        "replicas_differing": [
            {**each._asdict(), "rows": _by_host(each.rows)} for each in verification.replicas_differing
        ],
        "aggregates": [_aggregate(each) for each in verification.aggregates],
    }


def write(
    path: Path,
    verification: Verification,
    plan_hash: str,
    clock: Clock,
    *,
    run: str = "",
    drilled: Iterable[Drilled] = (),
    timed: Iterable[Timed] = (),
) -> dict[str, Any]:
    """Write the report, readable by its owner alone, in one step that is on disk when this returns; return what it holds.

    Raises:
        MigrateError: it cannot be written; a file that was there is untouched.
    """
    document = to_document(verification, plan_hash, clock, run=run, drilled=drilled, timed=timed)
    keep(path, document)
    return document


def keep(path: Path, document: Mapping[str, Any]) -> str:
    """Write a report of any kind so, and return the SHA-256 of the file.

    Raises:
        MigrateError: it cannot be written; a file that was there is untouched.
    """
    content = json.dumps(document, indent=1) + "\n"
    try:
        paths.write_private(path, content)
        handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        what = f"the report cannot be written: {error.strerror or type(error).__name__}"
        raise MigrateError(what, where=str(path), fix="put that right, then do it again") from error
    return hashlib.sha256(content.encode()).hexdigest()


def read(path: Path, schema: str = SCHEMA, newest: int = VERSION) -> dict[str, Any]:
    """Return what a report holds: of a verification, or of the kind that is named, up to its newest known version.

    Raises:
        MigrateError: it cannot be read, is none, is of a newer chtui, or was changed since it was written.
    """
    where = str(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MigrateError(f"the report cannot be read: {error.strerror}", where=where, fix=AGAIN) from error
    except ValueError as error:
        raise MigrateError("the report is no JSON, or was cut", where=where, fix=AGAIN) from error
    if not isinstance(document, dict) or document.get("schema") != schema:
        raise MigrateError(f"this is no report of a {schema.rsplit(maxsplit=1)[-1]}", where=where, fix=AGAIN)
    version = document.get("version")
    if not isinstance(version, int) or version > newest:
        raise MigrateError(
            f"the report has version {version!r}, this chtui knows {newest}",
            where=where,
            fix="upgrade chtui",
        )
    content = {name: value for name, value in document.items() if name != SEAL}
    if hash_of(content) != document.get(SEAL):
        raise MigrateError("the report was changed since it was written", where=where, fix=AGAIN)
    return document


def _digest(digest: Digest | None) -> dict[str, Any] | None:
    return (
        None
        if digest is None
        else {
            name: str(value) if name != "rows" else value
            for name, value in digest._asdict().items()
            if name != "collapsed"
        }
    )


def _place(compared: Compared) -> dict[str, Any]:
    return {
        "table": compared.table,
        "partition_id": compared.partition_id,
        "hour_seconds": compared.hour_seconds,
        "shard_num": compared.shard_num,
        "host": str(compared.host),
    }


def _compared(compared: Compared) -> dict[str, Any]:
    return {
        **_place(compared),
        "state": str(compared.state),
        "v1": _digest(compared.wanted),
        "v2": _digest(compared.found),
        "collapsed_rows": compared.wanted.collapsed if compared.wanted else 0,
        "wrong_shard_rows": compared.wrong_shard_rows,
        "is_extra": compared.is_extra,
        "error": compared.error,
    }


def _totals(totals: Totals) -> dict[str, Any]:
    fields = {name: getattr(totals, name) for name in Totals.__slots__}
    return {**fields, "rows_by_host": _by_host(totals.rows_by_host)}


def _aggregate(check: AggregateCheck) -> dict[str, Any]:
    fields = {name: getattr(check, name) for name in AggregateCheck.__slots__}
    return {
        **fields,
        "host": str(check.host),
        "state": str(check.state),
        "differing": dict(check.differing),
        "examples": [
            {
                "key": list(each.key),
                "trouble": each.trouble,
                "values": {k: list(v) for k, v in each.values.items()},
            }
            for each in check.examples
        ],
    }


def _minute(minute: Minute) -> dict[str, Any]:
    return {
        "minute_seconds": minute.minute_seconds,
        "v1": _digest(minute.wanted),
        "v2": _digest(minute.found),
        "rows": {str(kind): rows for kind, rows in minute.rows.items()},
        "note": minute.note,
        "cut": minute.cut,
        "examples": [
            {
                "kind": str(each.oddity.kind),
                "hash": str(each.oddity.row_hash),
                "rows_v1": each.oddity.wanted,
                "rows_v2": each.oddity.found,
                "time_ns": str(each.time_ns),
                "key": each.key,
            }
            for each in minute.examples
        ],
    }


def _by_host(values: Mapping[HostId, Any]) -> dict[str, Any]:
    return {str(host): value for host, value in values.items()}
