"""A spec written as the TOML file that reads back as the same spec, with comments at its keys. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields

from chtui.migrate.spec import (
    AggregateSpec,
    Hook,
    Layout,
    Limits,
    Retention,
    Retries,
    SourceTable,
    Spec,
    TableSpec,
)

BARE = re.compile(r"[A-Za-z0-9_-]+")
UNWRITTEN = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
"""What may not stand in a TOML string of several lines."""
Path = tuple[str, ...]
Value = str | int | float | bool | Sequence[object]


class _Writer:
    def __init__(self, notes: Mapping[Path, Sequence[str]]) -> None:
        self.notes = notes
        self.lines: list[str] = []

    def comment(self, path: Path) -> None:
        self.lines += [f"# {line}" for note in self.notes.get(path, ()) for line in note.splitlines()]

    def table(
        self, path: Path, values: Mapping[str, Value], *, always: bool = False, many: bool = False
    ) -> None:
        """A table of values; none where there are none, unless `always`. One that has notes is always written."""
        if not values and not always and path not in self.notes:
            return
        self.lines.append("")
        self.comment(path)
        name = ".".join(map(_key, path))
        self.lines.append(f"[[{name}]]" if many else f"[{name}]")
        for key, value in values.items():
            self.comment((*path, key))
            self.lines.append(f"{_key(key)} = {_value(value)}")


def written(spec: Spec, notes: Mapping[Path, Sequence[str]] | None = None) -> str:
    """Return the TOML text of a spec; `notes` are comment lines above keys and tables, by their path, or at the top."""
    out = _Writer(notes or {})
    out.comment(())
    out.lines += ["version = 1", f"name = {_value(spec.name)}"]
    _head(out, spec)
    for table in spec.tables:
        _table(out, table)
    for aggregate in spec.aggregates:
        _aggregate(out, aggregate)
    for view in spec.views:
        out.table(("view", view.name), {"select": view.select})
    for policy in spec.policies:
        for volume in policy.volumes:
            values = {"name": volume.name, "disks": volume.disks}
            out.table(("policy", policy.name, "volume"), values, many=True)
    for name, disk in spec.disks.items():
        out.table(("disk", name), disk)
    if spec.layout != Layout():
        shards = [[str(host) for host in shard] for shard in spec.layout.shards]
        keepers = [str(host) for host in spec.layout.keepers]
        out.table(
            ("layout",), {key: value for key, value in (("shards", shards), ("keepers", keepers)) if value}
        )
    for name, hook in spec.hooks.items():
        out.table(("hook", name), _changed(hook, Hook()))
    out.table(("limits",), _changed(spec.limits, Limits()))
    out.table(("retention",), _changed(spec.retention, Retention()))
    for benchmark in spec.benchmarks:
        values = {field.name: getattr(benchmark, field.name) for field in fields(benchmark)}
        out.table(("benchmark", str(values.pop("name"))), values)
    out.table(("not_mapped",), spec.not_mapped)
    for deviation in spec.deviations:
        out.table(
            ("deviation",), {key: getattr(deviation, key) for key in ("object", "what", "why")}, many=True
        )
    return "\n".join(out.lines) + "\n"


def _head(out: _Writer, spec: Spec) -> None:
    source, target = spec.source, spec.target
    out.table(
        ("source",),
        _given(
            host=str(source.host),
            database=source.database,
            cluster=source.cluster,
            collection=source.collection,
            profile=source.profile,
        ),
    )
    out.table(
        ("target",),
        _given(
            cluster=target.cluster,
            database=target.database,
            engine=str(target.flavour),
            ddl=str(target.ddl),
            policy=target.policy,
            keeper_path=target.keeper_path,
            replica=target.replica,
        ),
    )


def _table(out: _Writer, table: TableSpec) -> None:
    path = ("table", table.name)
    values: dict[str, Value] = {
        "time": table.time,
        "sharding_key": table.sharding_key,
        "partition_by": table.partition_by,
        "order_by": table.order_by,
        **_given(indexes=table.indexes, moves=table.moves, expires=table.expires),
    }
    if table.retries is not Retries.KEEP:
        values["retries"] = str(table.retries)
    out.table(path, values)
    out.table((*path, "columns"), table.columns)
    out.table((*path, "settings"), {key: _setting(value) for key, value in table.settings.items()})
    for source in table.sources:
        _source(out, (*path, "source", source.name), source)


def _source(out: _Writer, path: Path, source: SourceTable) -> None:
    if not (source.mapping or source.inverse or source.drops):
        out.table(path, {}, always=True)
    out.table((*path, "mapping"), source.mapping)
    out.table((*path, "inverse"), source.inverse)
    out.table((*path, "drop"), source.drops)


def _aggregate(out: _Writer, aggregate: AggregateSpec) -> None:
    path = ("aggregate", aggregate.name)
    out.table(
        path,
        _given(
            base=aggregate.base,
            where=aggregate.where,
            partition_by=aggregate.partition_by,
            order_by=aggregate.order_by,
            time=aggregate.time,
            expires=aggregate.expires,
        ),
    )
    out.table((*path, "columns"), aggregate.columns)
    out.table((*path, "select"), aggregate.select)
    out.table((*path, "settings"), {key: _setting(value) for key, value in aggregate.settings.items()})


def _given(**values: Value) -> dict[str, Value]:
    return {key: value for key, value in values.items() if value}


def _changed(record: Hook | Limits | Retention, default: Hook | Limits | Retention) -> dict[str, Value]:
    """The fields that are not as the default has them."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {key: value for key, value in values.items() if value != getattr(default, key)}


def _setting(literal: str) -> Value:
    """The value of which a setting's literal was made."""
    if literal.startswith("'"):
        return re.sub(r"\\(.)", r"\1", literal[1:-1])
    return float(literal) if re.search(r"[.eE]", literal) else int(literal)


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _quoted(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _block(value) if "\n" in value and not UNWRITTEN.search(value) else _quoted(value)
    assert isinstance(value, Sequence)
    written = [_value(item) for item in value]
    line = f"[{', '.join(written)}]"
    return line if len(line) < 100 else "[\n" + "".join(f"    {item},\n" for item in written) + "]"


def _block(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"""', '""\\"')
    return f'"""\n{escaped}"""' if not escaped.endswith('"') else f'"""\n{escaped[:-1]}\\""""'


def _quoted(text: str) -> str:
    # a JSON string is a TOML string, but for DEL, which TOML wants escaped
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
