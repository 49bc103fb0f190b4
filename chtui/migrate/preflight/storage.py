"""Where v2's rows will lie: policies, volumes and disks of every host, room for the work, limits on what may be dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from chtui.migrate import expressions
from chtui.migrate.hosts import Host
from chtui.migrate.preflight.findings import Finding, Kind, blocker, note, warning
from chtui.migrate.preflight.look import Look
from chtui.migrate.spec import Spec
from chtui.records import HostId
from chtui.text import format_bytes, format_percent

DEFAULT = "default"
STAGED_COPIES = 2
"""A partition stands twice while it is staged: its slices and what they are assembled to, or the old and the new one."""
DROP_LIMITS = ("max_table_size_to_drop", "max_partition_size_to_drop")
DEFAULT_DROP_LIMIT_BYTES = 50_000_000_000
"""Where a server does not tell its limit. Source: ClickHouse's own configuration file."""


class Disk(NamedTuple):
    """A disk of a host."""

    free_bytes: int
    total_bytes: int
    is_usable: bool
    """Neither broken nor read-only."""


@dataclass(frozen=True, slots=True)
class Storage:
    """What a host stores on."""

    policies: Mapping[str, Mapping[str, tuple[str, ...]]]
    """Policy to volume to its disks, in the order in which they are filled."""
    disks: Mapping[str, Disk]


class Sizes(NamedTuple):
    """What v1's rows that are migrated take on its disk; v2 is taken to need no more."""

    total_bytes: int
    largest_partition_bytes: int
    """Of v2's partitions: what has to be staged, replaced and dropped at once."""


class Limit(NamedTuple):
    """How much of a table a host drops at once."""

    name: str
    bytes: int | None
    """None where the server does not tell; 0 for no limit."""
    is_overruled: bool
    """Whether the migration's own statements may set it aside."""


def check(look: Look) -> None:
    """Compare policies, disks and limits of every host with what the spec and v1's sizes need."""
    able = [host for host in look.targets if look.has(host, "system.storage_policies")]
    unable = [host for host in look.targets if host not in able]
    storages = look.each(able, "storage", lambda host: _storage(look, host))
    for host in unable:
        look.add(judge_absent(look.spec, host.id))
    for host_id, storage in storages.items():
        look.add(judge_policy(look.spec, host_id, storage))
    sizes = sizes_of(look)
    shards = max(1, len(look.shards()))
    for host_id, storage in storages.items():
        look.add(judge_space(look.spec.target.policy or DEFAULT, host_id, storage, sizes, shards))
    source = look.source
    if source is not None:
        look.add(_source_space(look, source, storages))
    limits = look.each(look.everyone, "limits on dropping", lambda host: _limits(look, host))
    for host_id, own in limits.items():
        look.add(judge_limits(host_id, own, sizes))


def sizes_of(look: Look) -> Sizes:
    """Return what v1's rows take by v2's partitions, as `partitions` has counted them."""
    by_partition = look.partition_bytes
    return Sizes(sum(by_partition.values()), max(by_partition.values(), default=0))


def judge_absent(spec: Spec, host: HostId) -> list[Finding]:
    """A server without policies can hold no spec with one, and nobody can see its disks."""
    found = [
        warning(
            Kind.SPACE,
            "",
            host,
            "this version does not tell its disks: whether the rows fit cannot be seen from outside",
            remedy="look at the free space of its data path",
        )
    ]
    if spec.target.policy:
        what = f"this version knows no storage policies, and so no {spec.target.policy}"
        found.append(
            blocker(Kind.POLICY, spec.target.policy, host, what, remedy="take policy out of [target]")
        )
    return found


def judge_policy(spec: Spec, host: HostId, storage: Storage) -> list[Finding]:
    """The policy must be there with every volume and disk the spec names, and all its disks must be usable."""
    name = spec.target.policy or DEFAULT
    render = "chtui config render writes storage_configuration for every host"
    volumes = storage.policies.get(name)
    if volumes is None:
        what = f"this host has no storage policy {name}"
        return [
            blocker(
                Kind.POLICY, name, host, what, evidence=f"it has {', '.join(storage.policies)}", remedy=render
            )
        ]
    found = []
    evidence = "; ".join(f"{volume}: {', '.join(disks)}" for volume, disks in volumes.items())
    all_disks = {disk for disks in volumes.values() for disk in disks}
    for word, wanted in sorted(moved_to(spec)):
        if wanted not in (volumes if word == "VOLUME" else all_disks):
            what = f"rows are to move to {word.lower()} {wanted}, which policy {name} does not have"
            found.append(blocker(Kind.POLICY, wanted, host, what, evidence=evidence, remedy=render))
    for policy in spec.policies:
        if policy.name != name:
            continue
        own = {volume.name: volume.disks for volume in policy.volumes}
        if own != dict(volumes) or list(own) != list(volumes):
            what = f"policy {name} is not the one the spec describes"
            told = "; ".join(f"{volume}: {', '.join(disks)}" for volume, disks in own.items())
            found.append(
                warning(
                    Kind.POLICY, name, host, what, evidence=f"here {evidence}; spec {told}", remedy=render
                )
            )
    for disk in sorted(all_disks):
        if disk in storage.disks and not storage.disks[disk].is_usable:
            what = f"disk {disk} of policy {name} is broken or read-only"
            found.append(blocker(Kind.POLICY, disk, host, what, remedy="repair it"))
    return found or [note(Kind.POLICY, name, host, "its volumes and disks are as needed", evidence=evidence)]


def moved_to(spec: Spec) -> set[tuple[str, str]]:
    """Return what the spec's TTL rules move rows to: VOLUME or DISK, and the name."""
    found = set()
    for table in spec.tables:
        for rule in table.moves:
            tokens = expressions.tokens(rule)
            for before, name in pairwise(tokens):
                if before.text.upper() in ("VOLUME", "DISK") and name.kind == "string":
                    found.add((before.text.upper(), name.text[1:-1]))
    return found


def judge_space(policy: str, host: HostId, storage: Storage, sizes: Sizes, shards: int) -> list[Finding]:
    """Staging and result must fit: the first on the first volume, the second on all of them together."""
    volumes = list(storage.policies.get(policy, {}).values())
    if not volumes:
        return []
    result = sizes.total_bytes // shards
    staging = STAGED_COPIES * sizes.largest_partition_bytes // shards
    first = _free(storage, volumes[0])
    everything = _free(storage, {disk for disks in volumes for disk in disks})
    evidence = (
        f"v1 takes {format_bytes(sizes.total_bytes)}, its largest partition of v2 {format_bytes(sizes.largest_partition_bytes)}; "
        f"of this shard: result {format_bytes(result)}, staging {format_bytes(staging)}; "
        f"free: {format_bytes(first)} on the first volume, {format_bytes(everything)} on all"
    )
    remedy = "make room, add disks, or migrate fewer tables at a time"
    if staging > first or result + staging > everything:
        what = "there is not enough room for what is staged and for the result"
        return [blocker(Kind.SPACE, policy, host, what, evidence=evidence, remedy=remedy)]
    if result + staging > first:
        what = "the result does not fit on the first volume: rows must move while the migration runs"
        return [warning(Kind.SPACE, policy, host, what, evidence=evidence, remedy=remedy)]
    return [note(Kind.SPACE, policy, host, "staging and result fit on the first volume", evidence=evidence)]


def judge_source_space(
    host: HostId, disk: str, free: Disk, wanted_ratio: float, snapshot_bytes: int
) -> list[Finding]:
    """Snapshots are hard links: they take room as merges replace the parts they hold."""
    ratio = free.free_bytes / free.total_bytes if free.total_bytes else 0.0
    evidence = (
        f"{format_bytes(free.free_bytes)} of {format_bytes(free.total_bytes)} free, {format_percent(ratio)}"
    )
    if ratio < wanted_ratio:
        what = f"v1's disk {disk} is fuller than limits.free_space_ratio allows: no snapshot would be taken"
        remedy = "make room on v1, or lower free_space_ratio"
        return [blocker(Kind.SPACE, disk, host, what, evidence=evidence, remedy=remedy)]
    if free.free_bytes - snapshot_bytes < wanted_ratio * free.total_bytes:
        what = f"snapshots on v1's disk {disk} may use up its free space while merges replace the parts they hold"
        return [
            warning(Kind.SPACE, disk, host, what, evidence=evidence, remedy="fewer limits.workers hold less")
        ]
    return [note(Kind.SPACE, disk, host, f"v1's disk {disk} has room for snapshots", evidence=evidence)]


def judge_limits(host: HostId, limits: Sequence[Limit], sizes: Sizes) -> list[Finding]:
    """What is replaced, and every staging table and snapshot that is dropped, must be within the server's limits."""
    found = []
    for limit in limits:
        known = DEFAULT_DROP_LIMIT_BYTES if limit.bytes is None else limit.bytes
        if not known or sizes.largest_partition_bytes <= known:
            continue
        told = "" if limit.bytes is not None else " by default: this version does not tell its own limit"
        what = f"the largest partition is more than this host drops at once ({format_bytes(known)}{told})"
        evidence = (
            f"{limit.name}; the largest partition takes {format_bytes(sizes.largest_partition_bytes)} on v1"
        )
        if limit.is_overruled:
            remedy = "nothing to do: the migration's statements set it aside"
            found.append(note(Kind.DROP_LIMIT, limit.name, host, what, evidence=evidence, remedy=remedy))
        else:
            remedy = f"raise {limit.name} in the server's configuration"
            judge = warning if limit.bytes is None else blocker
            found.append(judge(Kind.DROP_LIMIT, limit.name, host, what, evidence=evidence, remedy=remedy))
    return found


def _free(storage: Storage, disks: Sequence[str] | set[str]) -> int:
    return sum(storage.disks[disk].free_bytes for disk in disks if disk in storage.disks)


def _source_space(look: Look, source: Host, storages: Mapping[HostId, Storage]) -> list[Finding]:
    if not look.has(source, "system.disks"):
        return []
    storage = storages.get(source.id)
    if storage is None:
        storage = look.one(source, "v1's disks", lambda host: _storage(look, host))
    if storage is None:
        return []
    disk = storage.disks.get(DEFAULT)
    in_flight = look.spec.limits.workers * sizes_of(look).largest_partition_bytes
    ratio = look.spec.limits.free_space_ratio
    return judge_source_space(source.id, DEFAULT, disk, ratio, in_flight) if disk else []


def _storage(look: Look, host: Host) -> Storage:
    policies: dict[str, dict[str, tuple[str, ...]]] = {}
    for policy, volume, disks in host.rows("preflight_policies"):
        policies.setdefault(str(policy), {})[str(volume)] = tuple(str(disk) for disk in disks)
    absent = look.absent(host, "system.disks.is_broken", "system.disks.is_read_only")
    rows = host.rows("preflight_disks", absent=absent)
    return Storage(
        policies,
        {
            str(name): Disk(int(free), int(total), not broken and not read_only)
            for name, free, total, broken, read_only in rows
        },
    )


def _limits(look: Look, host: Host) -> list[Limit]:
    absent = look.absent(host, "system.settings.min", "system.settings.max", "system.settings.readonly")
    rows = host.rows("preflight_settings", {"names": [*DROP_LIMITS]}, settings={"readonly": 0}, absent=absent)
    known = {str(name): Limit(str(name), int(value), not fixed) for name, value, _, _, _, fixed in rows}
    return [known.get(name, Limit(name, None, False)) for name in DROP_LIMITS]
