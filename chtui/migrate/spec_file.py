"""A migration's spec as a TOML file.

version = 1
name = "otel_v2"
[source]    host, database, cluster or collection, profile
[target]    cluster, database, engine ("replicated", "plain"), ddl ("on_cluster", "per_host"), policy, keeper_path, replica
[table.NAME]   time, sharding_key, partition_by, order_by, indexes, moves, expires, retries ("keep", "collapse")
[table.NAME.columns]    column = "definition"          [table.NAME.settings]    setting = value
[table.NAME.source.V1TABLE.mapping]   column = "expression over v1's columns", where it has another name or type there
[table.NAME.source.V1TABLE.inverse]   v1 column = "expression over v2's columns", for the way back
[table.NAME.source.V1TABLE.drop]      v1 column = true (accepted) or false (proposed only)
[aggregate.NAME]   base, where, partition_by, order_by, time, expires     .columns  .select  .settings
[view.NAME]  select         [benchmark.NAME]  v1, v2, plan_before_seconds, plan_after_seconds
[hook.NAME]  command | url, method, body | confirm, timeout_seconds
[limits]  [retention]  [layout]  [[policy.NAME.volume]]  [disk.NAME]  [not_mapped]  [[deviation]]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from importlib.resources import as_file, files
from pathlib import Path

from chtui.errors import ConfigError, MigrateError
from chtui.migrate import spec_checks, spec_parts, spec_values
from chtui.migrate.spec import (
    AggregateSpec,
    DdlMode,
    Flavour,
    Retries,
    Source,
    SourceTable,
    Spec,
    TableSpec,
    Target,
    ViewSpec,
)
from chtui.profile.layer import Context, Problem
from chtui.profile.toml_values import Document, Table
from chtui.records import HostId

VERSION = 1
KEEPER_PATH = "/clickhouse/tables/{shard}/{database}/{table}"
TOP_KEYS = (
    "version", "name", "source", "target", "table", "aggregate", "view", "hook", "limits", "retention", "benchmark",
    "deviation", "not_mapped", "policy", "disk", "layout",
)  # fmt: skip


class SpecError(MigrateError):
    """A spec's file holds something that cannot be used; `problems` are all of it, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(first.what + more, where=first.where, fix=first.fix)
        self.problems = tuple(problems)


def read(path: Path) -> Spec:
    """Return the spec in a file.

    Raises:
        SpecError: it cannot be read, or holds problems; it names all of them.
    """
    try:
        document = Document(path, Context({}, None))
    except ConfigError as error:
        raise SpecError([Problem.of(error)]) from error
    top = document.top()
    _check_version(top)
    if document.problems:
        raise SpecError(document.problems)
    top.check_keys(TOP_KEYS)
    spec = _spec(top)
    spec_checks.check(spec, top)
    if document.problems:
        raise SpecError(sorted(document.problems, key=_line))
    return spec


def shipped(name: str) -> Spec:
    """Return a spec that comes with chtui: `otel_v2`.

    Raises:
        MigrateError: there is none of that name.
    """
    known = shipped_names()
    if name not in known:
        raise MigrateError(f"no spec {name} comes with chtui", fix=f"known: {', '.join(known)}")
    with as_file(files("chtui.sql") / "migrate" / f"{name}.toml") as path:
        return read(path)


def shipped_names() -> list[str]:
    """Return the names of the specs that come with chtui."""
    entries = (files("chtui.sql") / "migrate").iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in entries if entry.name.endswith(".toml"))


def _line(problem: Problem) -> tuple[int, str]:
    number = problem.where.rpartition(":")[2]
    return (int(number) if number.isdecimal() else 0, problem.what)


def _check_version(top: Table) -> None:
    if "version" not in top.data:
        spec_values.missing(top, "version", f"write version = {VERSION} at the top")
        return
    found = top.number("version", 1, 10**6, whole=True)
    if found is not None and found.value > VERSION:
        top.note("version", f"is {found.value:g}, this chtui knows {VERSION}", "use a newer chtui")


def _spec(top: Table) -> Spec:
    return Spec(
        name=_name(top),
        source=_source(_section(top, "source")),
        target=_target(_section(top, "target")),
        tables=tuple(_table(name, table) for name, table in spec_values.named_tables(top, "table")),
        aggregates=tuple(_aggregate(name, t) for name, t in spec_values.named_tables(top, "aggregate")),
        views=tuple(_view(name, table) for name, table in spec_values.named_tables(top, "view")),
        hooks=spec_parts.hooks(top),
        limits=spec_parts.limits(top),
        retention=spec_parts.retention(top),
        benchmarks=tuple(
            spec_parts.benchmark(name, t) for name, t in spec_values.named_tables(top, "benchmark")
        ),
        deviations=tuple(spec_parts.deviation(table) for table in spec_values.arrays(top, "deviation")),
        not_mapped=spec_values.texts(top, "not_mapped"),
        policies=tuple(
            spec_parts.policy(name, table) for name, table in spec_values.named_tables(top, "policy")
        ),
        disks=spec_parts.disks(top),
        layout=spec_parts.layout(top),
    )


def _name(top: Table) -> str:
    name = spec_values.text(top, "name")
    if name and not spec_values.NAME.fullmatch(name):
        top.note("name", f"is '{name}'", "take letters, digits and _: objects and files are called after it")
    return name


def _section(top: Table, key: str) -> Table:
    found = top.table(key)
    if found is None:
        if key not in top.data:
            spec_values.missing(top, key, f"add a table [{key}]")
        return Table(top.document, (key,), {}, None)
    return found


def _source(table: Table) -> Source:
    if not table.data:
        return Source(HostId("", 0), "")
    table.check_keys([field.name for field in fields(Source)])
    ways = [key for key in ("cluster", "collection") if key in table.data]
    if len(ways) != 1:
        fix = "give the one-shard entry of remote_servers, or the named collection, that leads to v1"
        if ways:
            table.note("collection", "and cluster both lead to v1", "keep one of them")
        else:
            spec_values.missing(table, "cluster", fix)
    return Source(
        host=spec_values.host(table, "host"),
        database=spec_values.text(table, "database"),
        cluster=spec_values.text(table, "cluster", needed=False),
        collection=spec_values.text(table, "collection", needed=False),
        profile=spec_values.text(table, "profile", needed=False),
    )


def _target(table: Table) -> Target:
    if not table.data:
        return Target("", "", Flavour.PLAIN, DdlMode.PER_HOST)
    table.check_keys(("cluster", "database", "engine", "ddl", "policy", "keeper_path", "replica"))
    flavour = Flavour(spec_values.choice(table, "engine", Flavour))
    default = KEEPER_PATH if flavour is Flavour.REPLICATED else ""
    return Target(
        cluster=spec_values.text(table, "cluster"),
        database=spec_values.text(table, "database"),
        flavour=flavour,
        ddl=DdlMode(spec_values.choice(table, "ddl", DdlMode)),
        policy=spec_values.text(table, "policy", needed=False),
        keeper_path=spec_values.text(table, "keeper_path", needed=False, default=default),
        replica=spec_values.text(table, "replica", needed=False, default="{replica}"),
    )


def _table(name: str, table: Table) -> TableSpec:
    table.check_keys(("time", "sharding_key", "partition_by", "order_by", "indexes", "moves", "expires", "retries",
                      "columns", "settings", "source"))  # fmt: skip
    sources = _section(table, "source") if "source" in table.data else None
    if sources is None:
        spec_values.missing(
            table, "source", f"add [table.{name}.source.V1TABLE]: the table it is filled from"
        )
    found = tuple(_source_table(key, sources) for key in sources.data) if sources else ()
    return TableSpec(
        name=name,
        sources=tuple(source for source in found if source is not None),
        time=spec_values.text(table, "time"),
        columns=spec_values.sql_map(table, "columns", needed=True, check=spec_values.definition),
        sharding_key=spec_values.sql(table, "sharding_key"),
        partition_by=spec_values.sql(table, "partition_by"),
        order_by=spec_values.sql(table, "order_by"),
        indexes=spec_values.sql_list(table, "indexes"),
        moves=spec_values.sql_list(table, "moves"),
        expires=spec_values.sql(table, "expires", needed=False),
        settings=spec_values.settings(table, "settings"),
        retries=Retries(spec_values.choice(table, "retries", Retries, Retries.KEEP)),
    )


def _source_table(name: str, sources: Table) -> SourceTable | None:
    table = sources.table(name)
    if table is None:
        return None
    table.check_keys(("mapping", "inverse", "drop"))
    return SourceTable(
        name=name,
        mapping=spec_values.sql_map(table, "mapping"),
        inverse=spec_values.sql_map(table, "inverse"),
        drops=spec_values.flags(table, "drop"),
    )


def _aggregate(name: str, table: Table) -> AggregateSpec:
    table.check_keys(
        ("base", "where", "partition_by", "order_by", "time", "expires", "columns", "select", "settings")
    )
    return AggregateSpec(
        name=name,
        base=spec_values.text(table, "base"),
        columns=spec_values.sql_map(table, "columns", needed=True, check=spec_values.definition),
        select=spec_values.sql_map(table, "select", needed=True),
        where=spec_values.sql(table, "where", needed=False),
        partition_by=spec_values.sql(table, "partition_by"),
        order_by=spec_values.sql(table, "order_by"),
        time=spec_values.text(table, "time", needed=False),
        expires=spec_values.sql(table, "expires", needed=False),
        settings=spec_values.settings(table, "settings"),
    )


def _view(name: str, table: Table) -> ViewSpec:
    table.check_keys(("select",))
    return ViewSpec(name, spec_values.sql(table, "select", check=spec_values.several))
