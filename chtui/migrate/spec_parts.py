"""The parts of a spec's file around its tables: hooks, limits, benchmarks, and what configuration is rendered from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from types import MappingProxyType

from chtui.errors import ConfigError
from chtui.migrate import spec_values
from chtui.migrate.spec import (
    Benchmark,
    Deviation,
    Hook,
    Layout,
    Limits,
    Retention,
    StoragePolicy,
    Volume,
)
from chtui.profile.model import check_plain_address
from chtui.profile.toml_values import Table
from chtui.records import HostId

HOOKS = ("dual_write_on", "dual_write_off", "reads_v1", "reads_v2", "pause_writers", "resume_writers")
WAYS = ("command", "url", "confirm")
PAIRS = (("dual_write_on", "dual_write_off"), ("reads_v2", "reads_v1"), ("pause_writers", "resume_writers"))
"""Hooks of which neither is of use without the other."""


def hooks(top: Table) -> MappingProxyType[str, Hook]:
    """Return the hooks, by what they switch."""
    outer = top.table("hook")
    if outer is None:
        return MappingProxyType({})
    outer.check_keys(HOOKS)
    for one, other in PAIRS:
        for here, there in ((one, other), (other, one)):
            if here in outer.data and there not in outer.data:
                outer.note(
                    here, f"has no {there} beside it", f"add [hook.{there}]: what is switched must go back"
                )
    found = {name: outer.table(name) for name in outer.data if name in HOOKS}
    return MappingProxyType({name: _hook(table) for name, table in found.items() if table is not None})


def _hook(table: Table) -> Hook:
    table.check_keys([field.name for field in fields(Hook)])
    where = table.document.where(table.path)
    label = ".".join(table.path)
    given = [way for way in WAYS if way in table.data]
    if len(given) != 1:
        what = f"has {' and '.join(given)}" if given else "says neither command, url nor confirm"
        table.collect(
            ConfigError(f"{label} {what}", where=where, fix="give exactly one of command, url and confirm")
        )
    for key in ("method", "body"):
        if key in table.data and "url" not in table.data:
            table.note(key, "is for url only", f"leave {key} out, or give url")
    command = table.strings("command")
    url = spec_values.text(table, "url", needed=False)
    if url and not url.startswith(("http://", "https://")):
        table.note("url", f"is '{url}'", "begin it with http:// or https://")
    return Hook(
        command=command.value if command else (),
        url=url,
        method=spec_values.choice(table, "method", ("POST", "PUT", "PATCH", "DELETE", "GET"), "POST"),
        body=table.secret_text("body") or "",
        confirm=spec_values.text(table, "confirm", needed=False),
        timeout_seconds=spec_values.number(table, "timeout_seconds", Hook().timeout_seconds, 0.1, 3600),
    )


def limits(top: Table) -> Limits:
    """Return how hard the migration may work."""
    table, default = top.table("limits"), Limits()
    if table is None:
        return default
    table.check_keys([field.name for field in fields(Limits)])
    whole = {
        "workers": 64,
        "chunk_rows": 10**10,
        "queue_entries": 10**6,
        "parts_per_partition": 10**5,
        "running_merges": 10**5,
        "watermark_align_seconds": 31 * 86400,
    }
    found = {
        key: int(spec_values.number(table, key, getattr(default, key), 1, high, whole=True))
        for key, high in whole.items()
    }
    return Limits(
        **found,
        free_space_ratio=spec_values.number(table, "free_space_ratio", default.free_space_ratio, 0.0, 0.99),
        replica_delay_seconds=spec_values.number(
            table, "replica_delay_seconds", default.replica_delay_seconds, 0, 86400
        ),
        query_p95_seconds=spec_values.number(table, "query_p95_seconds", default.query_p95_seconds, 0, 86400),
        watermark_after_seconds=spec_values.number(
            table, "watermark_after_seconds", default.watermark_after_seconds, 0, 31 * 86400
        ),
        probe_url=spec_values.text(table, "probe_url", needed=False),
    )


def retention(top: Table) -> Retention:
    """Return how long v1 stays."""
    table, default = top.table("retention"), Retention()
    if table is None:
        return default
    table.check_keys([field.name for field in fields(Retention)])
    return Retention(
        spec_values.number(table, "keep_source_days", default.keep_source_days, 0, 3650),
        spec_values.number(table, "lateness_seconds", default.lateness_seconds, 0, 30 * 86400),
    )


def benchmark(name: str, table: Table) -> Benchmark:
    """Return one benchmark."""
    table.check_keys([field.name for field in fields(Benchmark) if field.name != "name"])
    return Benchmark(
        name,
        spec_values.sql(table, "v1", check=spec_values.several),
        spec_values.sql(table, "v2", check=spec_values.several),
        spec_values.number(table, "plan_before_seconds", 0.0, 0, 86400),
        spec_values.number(table, "plan_after_seconds", 0.0, 0, 86400),
    )


def deviation(table: Table) -> Deviation:
    """Return one deviation."""
    table.check_keys(("object", "what", "why"))
    return Deviation(*(spec_values.text(table, key) for key in ("object", "what", "why")))


def policy(name: str, table: Table) -> StoragePolicy:
    """Return one storage policy."""
    table.check_keys(("volume",))
    volumes = []
    for volume in spec_values.arrays(table, "volume"):
        volume.check_keys(("name", "disks"))
        disks = volume.strings("disks")
        if "disks" not in volume.data:
            spec_values.missing(volume, "disks")
        volumes.append(Volume(spec_values.text(volume, "name"), disks.value if disks else ()))
    if not volumes:
        spec_values.missing(
            table, "volume", f"add [[policy.{name}.volume]] for each volume, the fastest first"
        )
    return StoragePolicy(name, tuple(volumes))


def disks(top: Table) -> MappingProxyType[str, MappingProxyType[str, str]]:
    """Return the disks, each as the elements of its configuration."""
    outer = top.table("disk")
    if outer is None:
        return MappingProxyType({})
    return MappingProxyType(
        {name: spec_values.texts(outer, name) for name, _ in spec_values.named_tables(top, "disk")}
    )


def layout(top: Table) -> Layout:
    """Return the servers the target cluster is to have."""
    table = top.table("layout")
    if table is None:
        return Layout()
    table.check_keys(("shards", "keepers"))
    shards = table.data.get("shards", [])
    if not isinstance(shards, list) or not all(isinstance(shard, list) and shard for shard in shards):
        table.note("shards", "must be a list of lists of hosts")
        shards = []
    keepers = table.strings("keepers")
    return Layout(
        tuple(_addresses(table, "shards", shard) for shard in shards),
        _addresses(table, "keepers", keepers.value if keepers else ()),
    )


def _addresses(table: Table, key: str, written: Sequence[object]) -> tuple[HostId, ...]:
    found = []
    for item in written:
        try:
            address = check_plain_address(str(item), table.label(key), table.where(key))
            found.append(HostId(address.host, address.port))
        except ConfigError as error:
            table.collect(error)
    return tuple(found)
