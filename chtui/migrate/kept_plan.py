"""The plan a run carries out, kept in its folder: every process of the run goes on with the same one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chtui import paths
from chtui.errors import MigrateError
from chtui.migrate import plan
from chtui.migrate.hosts import Hosts
from chtui.migrate.journal import directory_of
from chtui.migrate.layout import Ground, source_shape
from chtui.migrate.locked_file import holder, lock
from chtui.migrate.spec import Spec
from chtui.text import plural

FILE_NAME, LOCK_NAME = "plan.json", "run.lock"
LARGEST_BYTES = 512 * 1024 * 1024
STILL = ("spec_hash", "cluster", "flavour", "source_host", "shards", "schema_statements")
"""What must be the same whatever rows v1 has."""
GROUPS_SHOWN = 5


def hold(run: str) -> int:
    """Return a handle that keeps a run's folder, made here, for this process alone until it is closed.

    Raises:
        MigrateError: another process holds it, exit code 4; or it cannot be held.
    """
    folder = directory_of(run)
    path = folder / LOCK_NAME
    try:
        paths.private_dir(folder)
        return lock(path)
    except BlockingIOError:
        raise MigrateError(
            f"the run is up already: {holder(path)} carries it out",
            where=str(path),
            fix="ask it with chtui migrate status, or end it first",
            exit_code=4,
        ) from None
    except OSError as error:
        raise MigrateError(
            f"the run's folder cannot be used: {error.strerror or type(error).__name__}",
            where=str(path),
            fix="put that right; nothing was done",
            exit_code=1,
        ) from error


def ground_of(document: Mapping[str, Any], spec: Spec, hosts: Hosts) -> Ground:
    """Return what a run of a kept plan stands on; of v1 only the columns are read.

    Raises:
        MigrateError: the plan is not of this spec, or the cluster has no host of a name the plan has.
        QueryError, ConnectError: v1 would not tell.
    """
    layout = plan.layout_of(document, spec)
    known = {host.id for host in hosts.targets}
    for wanted in (host for shard in layout.shards for host in shard.hosts):
        if wanted not in known:
            raise MigrateError(
                f"the plan has host {wanted}, which cluster {spec.target.cluster} lacks",
                fix="bring it back, or take over with --rebuild, which plans anew",
                exit_code=1,
            )
    shapes = {
        (table.name, source.name): source_shape(spec, table, source, hosts)
        for table in spec.tables
        for source in table.sources
    }
    return Ground(spec, hosts, layout, shapes)


def keep(folder: Path, document: Mapping[str, Any]) -> Path:
    """Write a plan into a run's folder, whole and on disk when this returns; whoever does must hold the folder.

    Raises:
        MigrateError: it cannot be written.
    """
    path = folder / FILE_NAME
    try:
        paths.write_private(path, json.dumps(document) + "\n")
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise MigrateError(
            f"the plan cannot be kept: {error.strerror or type(error).__name__}",
            where=str(path),
            fix="put that right; nothing was done",
            exit_code=1,
        ) from error
    return path


def read(path: Path) -> dict[str, Any]:
    """Return the plan in a file; whether it is whole, `plan.layout_of` says.

    Raises:
        MigrateError: there is none, or it cannot be read.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise MigrateError("this is too large for a plan", where=str(path))
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise MigrateError(
            f"the plan cannot be read: {error.strerror or type(error).__name__}",
            where=str(path),
            fix="make one with chtui migrate plan SPEC --json",
        ) from error
    except (ValueError, RecursionError) as error:
        raise MigrateError("this is no plan", where=str(path), fix="make one with --json") from error
    if not isinstance(found, dict) or found.get("schema") != "chtui/1 migrate plan":
        raise MigrateError("this is no plan", where=str(path), fix="make one with chtui migrate plan --json")
    return found


def changes(old: Mapping[str, Any], new: Mapping[str, Any], spec: Spec) -> list[str]:
    """Return what is not any more as a plan has it, a line each; `new` is the plan as it would be made now.

    Where the spec has a hook for dual writing v1 is written to all the time: rows that came since are no change then.
    """
    found = [f"{name.replace('_', ' ')} changed" for name in STILL if old.get(name) != new.get(name)]
    return found if "dual_write_on" in spec.hooks else [*found, *_groups(old, new)]


def _groups(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = _by_name(old), _by_name(new)
    lines = []
    for name in dict.fromkeys([*before, *after]):
        if name not in before:
            lines.append(f"{name} is new, with {plural(after[name]['rows'], 'row')}")
        elif name not in after:
            lines.append(f"{name} is gone")
        elif before[name]["rows"] != after[name]["rows"]:
            lines.append(f"{name} has {plural(after[name]['rows'], 'row')}, not {before[name]['rows']}")
        elif before[name]["slices"] != after[name]["slices"] or before[name]["hosts"] != after[name]["hosts"]:
            lines.append(f"{name} is cut otherwise")
    yield from lines[:GROUPS_SHOWN]
    if len(lines) > GROUPS_SHOWN:
        yield f"and {len(lines) - GROUPS_SHOWN} more"


def _by_name(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {f"{group['table']} {group['partition_id']}": group for group in document["groups"]}
