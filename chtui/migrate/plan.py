"""The plan of a migration: every statement, every chunk, one hash. What is run is what was shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from chtui.clock import Clock, rfc3339
from chtui.errors import MigrateError
from chtui.migrate import ddl
from chtui.migrate.backfill import works_of
from chtui.migrate.cell import CellWork
from chtui.migrate.hands import Hands
from chtui.migrate.layout import Cell, Ground, Group, Layout, Shard, Slice
from chtui.migrate.progress import Progress
from chtui.migrate.snapshot import Snapshot
from chtui.migrate.spec import Flavour, Spec
from chtui.migrate.statements import text
from chtui.migrate.traits import traits_of
from chtui.records import HostId

VERSION = 1
SNAPSHOT, STAGING = "SNAPSHOT", "STAGING"
"""What stands for the names of tables that every attempt names anew."""


def to_document(ground: Ground, clock: Clock) -> dict[str, Any]:
    """Return the whole plan as JSON holds it; its `hash` is over everything else in it."""
    layout = ground.layout
    found: dict[str, Any] = {
        "schema": "chtui/1 migrate plan",
        "version": VERSION,
        "generated_at": rfc3339(clock.now()),
        "spec": ground.spec.name,
        "spec_hash": hash_of(ground.spec),
        "cluster": ground.spec.target.cluster,
        "flavour": str(layout.flavour),
        "source_host": str(ground.hosts.source.id),
        "deviations": [asdict(each) for each in ground.spec.deviations],
        "not_mapped": dict(ground.spec.not_mapped),
        "drops": drops(ground.spec),
        "shards": [
            {
                "shard_num": each.number,
                "slots": [each.low, each.high],
                "hosts": [str(host) for host in each.hosts],
            }
            for each in layout.shards
        ],
        "schema_statements": [
            {
                "kind": str(each.kind),
                "object": f"{each.database}.{each.name}".rstrip("."),
                "statement": each.text,
            }
            for each in ddl.objects(ground.spec, traits=traits_of(ground.hosts.targets))
        ],
        "copy_statements": copy_statements(ground),
        "groups": [
            {
                "table": group.table,
                "partition_id": group.partition_id,
                "rows": group.rows,
                "bytes_on_disk": group.bytes_on_disk,
                "slices": [
                    {**asdict(piece), "source_partitions": list(piece.source_partitions)}
                    for piece in group.slices
                ],
                "hosts": [str(cell.host) for cell in layout.cells(group)],
            }
            for group in layout.groups
        ],
        "rows": sum(group.rows for group in layout.groups),
        "bytes_on_disk": sum(group.bytes_on_disk for group in layout.groups),
    }
    return {**found, "hash": hash_of(found)}


def layout_of(document: Mapping[str, Any], spec: Spec) -> Layout:
    """Return the work a plan lays out.

    Raises:
        MigrateError: the plan was changed, is of another spec, or of a newer chtui.
    """
    found = layout_in(document)
    if document["spec_hash"] != hash_of(spec):
        raise MigrateError(
            "the plan is of another spec, or the spec was changed since",
            fix="make it anew with chtui migrate plan",
        )
    return found


def layout_in(document: Mapping[str, Any]) -> Layout:
    """Return the work a plan lays out, whatever its spec is now.

    Raises:
        MigrateError: the plan was changed, or is of a newer chtui.
    """
    told = dict(document)
    wanted = told.pop("hash", None)
    version = told.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise MigrateError(
            f"the plan has version {version!r}, this chtui knows {VERSION}", fix="upgrade chtui"
        )
    if hash_of(told) != wanted:
        raise MigrateError("the plan is not what its hash says", fix="make it anew with chtui migrate plan")
    shards = tuple(
        Shard(each["shard_num"], low, high, tuple(_host(host) for host in each["hosts"]))
        for each in told["shards"]
        for low, high in [each["slots"]]
    )
    groups = tuple(
        Group(
            each["table"],
            each["partition_id"],
            each["rows"],
            each["bytes_on_disk"],
            tuple(
                Slice(**{**piece, "source_partitions": tuple(piece["source_partitions"])})
                for piece in each["slices"]
            ),
        )
        for each in told["groups"]
    )
    return Layout(groups, shards, Flavour(told["flavour"]))


def copy_statements(ground: Ground) -> list[dict[str, str]]:
    """Return the statement that copies a slice, for each table, source and shard: all of them differ only in hours and names.

    Raises:
        QueryError, ConnectError: a host would not tell which settings it knows.
    """
    works = works_of(ground, Hands("plan", _Nowhere(), _Nowhere()), Progress("plan"))
    found: list[dict[str, str]] = []
    seen: set[tuple[str, str, int]] = set()
    for group in ground.layout.groups:
        for cell in ground.layout.cells(group):
            for piece in group.slices:
                key = (group.table, piece.source, cell.shard.number)
                if key in seen:
                    continue
                seen.add(key)
                found.append(
                    _copy_statement(
                        ground, CellWork(works[group.table], cell, ground.hosts.host(cell.host)), cell, piece
                    )
                )
    return found


def _copy_statement(ground: Ground, work: CellWork, cell: Cell, piece: Slice) -> dict[str, str]:
    snapshot = Snapshot({piece.source: SNAPSHOT})
    return {
        "table": cell.group.table,
        "source": f"{ground.spec.source.database}.{piece.source}",
        "shard_num": str(cell.shard.number),
        "example": f"{cell.name}, hours from {piece.from_seconds} to {piece.to_seconds}",
        "statement": text("copy_slice", work.copy_params(STAGING, piece, snapshot)),
    }


def hash_of(document: object) -> str:
    """Return the SHA-256 of a document in one form for equal ones."""
    content = json.dumps(document, sort_keys=True, separators=(",", ":"), default=_plain, ensure_ascii=True)
    return hashlib.sha256(content.encode()).hexdigest()


class _Nowhere:
    """A diary and a permit for what is only shown."""

    generation = 0

    def append(self, kind: str, facts: Mapping[str, Any]) -> int:
        raise MigrateError(f"a plan does nothing: {kind} {sorted(facts)}")

    def check(self) -> object:
        raise MigrateError("a plan does nothing")


def drops(spec: Spec) -> list[dict[str, str | bool]]:
    """Return v1's columns that v2 will not have, and whether somebody accepted that."""
    return [
        {"table": f"{spec.source.database}.{source.name}", "column": column, "accepted": accepted}
        for table in spec.tables
        for source in table.sources
        for column, accepted in source.drops.items()
    ]


def _host(name: str) -> HostId:
    host, _, port = name.rpartition(":")
    return HostId(host, int(port))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    raise TypeError(f"no JSON for {type(value).__name__}")
