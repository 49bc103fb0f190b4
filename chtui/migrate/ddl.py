"""A spec's schema as statements: every object of v2, in the order in which they can be made.

Rows that are written before the seal go NAME (Distributed) > NAME_ingest (Null) > NAME_live (from the watermark on) > NAME_local >
AGGREGATE_mv > AGGREGATE_local; after the seal NAME leads to NAME_local itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from chtui.errors import MigrateError
from chtui.fleet.literal import Value, literal, quote_identifier
from chtui.migrate import definitions
from chtui.migrate.spec import AggregateSpec, DdlMode, Flavour, Spec, TableSpec
from chtui.migrate.spec_checks import view_order
from chtui.migrate.statements import text
from chtui.migrate.traits import MODERN, Traits

NANOSECONDS = 10**9
AS_DEFINER = "DEFINER = CURRENT_USER SQL SECURITY DEFINER"
"""Else a writer who may only insert is refused inside the view, after a part of the rows was written (Code 497, seen on 26.9)."""
MERGE_TREE, AGGREGATING = "MergeTree", "AggregatingMergeTree"


class Kind(StrEnum):
    """What an object is for."""

    DATABASE = "database"
    LOCAL = "local"
    """A table's rows."""
    AGGREGATE = "aggregate"
    """An aggregate's states."""
    AGGREGATE_VIEW = "aggregate view"
    INGEST = "ingest"
    LIVE = "live view"
    DISTRIBUTED = "distributed"
    VIEW = "view"


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """One object and the statement that makes it, the same on every host."""

    kind: Kind
    database: str
    name: str
    """Empty for the database itself."""
    of: str
    """The table, aggregate or view of the spec it belongs to; empty for the database."""
    statement: str
    """The statement's name in `sql/migrate`."""
    params: Mapping[str, Value]

    @property
    def text(self) -> str:
        """The exact statement."""
        return text(self.statement, self.params)

    def alone(self) -> SchemaObject:
        """Return the same object made on the host asked alone."""
        return replace(self, params={**self.params, "cluster": ""})


def objects(
    spec: Spec,
    watermarks: Mapping[str, int] | None = None,
    sealed: Collection[str] = (),
    *,
    expiring: Collection[str] | None = None,
    traits: Traits = MODERN,
) -> list[SchemaObject]:
    """Return every object of v2, in the order in which they can be made.

    `watermarks` are those of tables, in nanoseconds since 1970: a table without one has no live view yet, so that rows
    written to it vanish. `sealed` are the tables whose rows go to `NAME_local`, `expiring` those that with their aggregates
    expire; all that are sealed unless given.
    `traits` are the servers' (`schema.traits`).

    Raises:
        MigrateError: a watermark does not fit its table's time.
    """
    waters = watermarks or {}
    bases = {aggregate.name: aggregate.base for aggregate in spec.aggregates}
    expired = sealed if expiring is None else expiring
    made = [
        database(spec),
        *(local(spec, table, sealed=table.name in expired) for table in spec.tables),
        *(states(spec, aggregate, sealed=bases[aggregate.name] in expired) for aggregate in spec.aggregates),
        *(aggregate_view(spec, aggregate) for aggregate in spec.aggregates),
        *(ingest(spec, table) for table in spec.tables),
        *(live(spec, table, waters[table.name]) for table in spec.tables if table.name in waters),
        *(
            aggregate_view(spec, aggregate, live=True)
            for aggregate in spec.aggregates
            if not traits.passes_on and aggregate.base in waters
        ),
        *(distributed(spec, table, sealed=table.name in sealed) for table in spec.tables),
        *(distributed_states(spec, aggregate) for aggregate in spec.aggregates),
        *_views(spec),
    ]
    return made if traits.has_definers else [_without_rights(item) for item in made]


def database(spec: Spec) -> SchemaObject:
    """Return v2's database."""
    name = spec.target.database
    return SchemaObject(
        Kind.DATABASE, name, "", "", "create_database", {"database": name, "cluster": cluster(spec)}
    )


def local(
    spec: Spec, table: TableSpec, *, name: str = "", keeper_path: str = "", sealed: bool = False
) -> SchemaObject:
    """Return a table's rows; or, with a `name`, a table of the same structure, whose Keeper path may be given too.

    Unless `sealed`, rows only move and never expire.
    """
    named = (name or table.local, keeper_path)
    return _stored(spec, Kind.LOCAL, table, named, engine=MERGE_TREE, sealed=sealed)


def states(
    spec: Spec, aggregate: AggregateSpec, *, name: str = "", keeper_path: str = "", sealed: bool = False
) -> SchemaObject:
    """Return an aggregate's states; or, with a `name`, a table of the same structure."""
    named = (name or aggregate.local, keeper_path)
    return _stored(spec, Kind.AGGREGATE, aggregate, named, engine=AGGREGATING, sealed=sealed)


def aggregate_view(spec: Spec, aggregate: AggregateSpec, *, live: bool = False) -> SchemaObject:
    """Return the view that fills an aggregate from what is inserted into its base, or, if `live`, by the base's live view."""
    base = next(table for table in spec.tables if table.name == aggregate.base)
    return _materialized(
        spec,
        Kind.AGGREGATE_VIEW,
        aggregate.name,
        view=aggregate.live if live else aggregate.view,
        target=aggregate.local,
        source=base.live if live else base.local,
        columns=aggregate_columns(aggregate),
        condition=aggregate.where,
        keys=aggregate_keys(aggregate),
    )


def ingest(spec: Spec, table: TableSpec) -> SchemaObject:
    """Return the Null table through which rows pass before the seal."""
    columns = _unstored(table.columns)
    return _table(spec, Kind.INGEST, table.name, table.ingest, columns=columns, engine="Null")


def live(spec: Spec, table: TableSpec, watermark_ns: int) -> SchemaObject:
    """Return the view that takes rows from the watermark on.

    Raises:
        MigrateError: the watermark is no instant of the time column's type.
    """
    return _materialized(
        spec,
        Kind.LIVE,
        table.name,
        view=table.live,
        target=table.local,
        source=table.ingest,
        columns=listed([quote_identifier(name) for name in given_columns(table)]),
        condition=f"{quote_identifier(table.time)} >= {instant(table, watermark_ns)}",
    )


def distributed(spec: Spec, table: TableSpec, *, sealed: bool, name: str = "") -> SchemaObject:
    """Return the table that is written and read by name; before the seal it leads to the Null table.

    `name` is another name for it.
    """
    over = table.local if sealed else table.ingest
    return _table(
        spec,
        Kind.DISTRIBUTED,
        table.name,
        name or table.name,
        columns=_unstored(table.columns),
        engine=_distributed(spec, over, table.sharding_key),
    )


def distributed_states(spec: Spec, aggregate: AggregateSpec) -> SchemaObject:
    """Return the table by which an aggregate is read; it has no sharding key, for nobody writes to it."""
    return _table(
        spec,
        Kind.DISTRIBUTED,
        aggregate.name,
        aggregate.name,
        columns=_unstored(aggregate.columns),
        engine=_distributed(spec, aggregate.local, ""),
    )


def expiry(spec: Spec, table: TableSpec | AggregateSpec) -> SchemaObject | None:
    """Return the statement after which a sealed table's rows expire; None where they never do."""
    if not table.expires:
        return None
    params: dict[str, Value] = {
        "table": (spec.target.database, table.local),
        "cluster": cluster(spec),
        "ttl": ttl(table, sealed=True),
    }
    kind = Kind.LOCAL if isinstance(table, TableSpec) else Kind.AGGREGATE
    return SchemaObject(kind, spec.target.database, table.local, table.name, "modify_ttl", params)


def seal(spec: Spec, table: TableSpec) -> list[SchemaObject]:
    """Return the statements, each for every host, after which a table's name leads to its rows.

    What was under the name stays as `NAME_unsealed`: rows it has spooled still pass through the live view.
    """
    where = spec.target.database
    successor = distributed(spec, table, sealed=True, name=f"{table.name}_sealed")
    exchange: dict[str, Value] = {
        "table": (where, table.name),
        "aside": (where, f"{table.name}_unsealed"),
        "successor": (where, successor.name),
        "cluster": cluster(spec),
    }
    return [
        successor,
        SchemaObject(Kind.DISTRIBUTED, where, table.name, table.name, "exchange_names", exchange),
    ]


def cluster(spec: Spec) -> str:
    """Return the cluster that statements name with ON CLUSTER; empty where each host is asked by itself."""
    return spec.target.cluster if spec.target.ddl is DdlMode.ON_CLUSTER else ""


def given_columns(table: TableSpec) -> list[str]:
    """Return the columns which INSERT may name, in their order."""
    return [name for name, text in table.columns.items() if definitions.parse(text).is_given]


def aggregate_columns(aggregate: AggregateSpec) -> str:
    """Return what an aggregate selects from its base, in the order of its columns."""
    return listed(
        [
            f"{aggregate.select[name]} AS {quote_identifier(name)}"
            if aggregate.select[name] != name
            else quote_identifier(name)
            for name in aggregate.columns
        ]
    )


def aggregate_keys(aggregate: AggregateSpec) -> str:
    """Return what an aggregate groups by: expressions over its base's columns."""
    return ", ".join(
        aggregate.select[name] if aggregate.select[name] != name else quote_identifier(name)
        for name in aggregate.keys
    )


def instant(table: TableSpec, at_ns: int) -> str:
    """Return an instant, in nanoseconds since 1970, as an expression that compares with a table's time.

    Raises:
        MigrateError: the time column's type holds no such instant.
    """
    name, _ = definitions.arguments(definitions.parse(table.columns[table.time]).type)
    if name == "DateTime64":
        return f"fromUnixTimestamp64Nano(toInt64({literal(at_ns)}))"
    if at_ns % NANOSECONDS:
        raise MigrateError(
            f"{at_ns} ns is no whole second, as {table.time} of {table.name} needs", fix="align the watermark"
        )
    return f"toDateTime({literal(at_ns // NANOSECONDS)})"


def ttl(table: TableSpec | AggregateSpec, *, sealed: bool) -> str:
    """Return a table's TTL: its moves, and after the seal its expiry."""
    moves = table.moves if isinstance(table, TableSpec) else ()
    return ", ".join([*moves, *([table.expires] if sealed and table.expires else [])])


def listed(pieces: list[str]) -> str:
    """Return pieces as a list of SQL, one a line."""
    return ",\n".join(f"    {piece}" for piece in pieces)


def keeper_path(spec: Spec, name: str) -> str:
    """Return the Keeper path of a Replicated table of v2; macros of the servers still stand in it."""
    return spec.target.keeper_path.replace("{database}", spec.target.database).replace("{table}", name)


def engine_text(spec: Spec, base: str, path: str) -> str:
    """Return the engine of a table that stores rows, in the flavour of the target."""
    if spec.target.flavour is Flavour.PLAIN:
        return base
    return f"Replicated{base}({literal(path)}, {literal(spec.target.replica)})"


def _stored(
    spec: Spec,
    kind: Kind,
    table: TableSpec | AggregateSpec,
    named: tuple[str, str],
    *,
    engine: str,
    sealed: bool,
) -> SchemaObject:
    """A table that stores rows; `named` is its name, and its Keeper path where it is not the usual one."""
    name, path = named
    columns = [f"{quote_identifier(column)} {text}" for column, text in table.columns.items()]
    indexes = [f"INDEX {index}" for index in table.indexes] if isinstance(table, TableSpec) else []
    settings = dict(table.settings)
    if spec.target.policy:
        settings["storage_policy"] = literal(spec.target.policy)
    return _table(
        spec,
        kind,
        table.name,
        name,
        columns=listed([*columns, *indexes]),
        engine=engine_text(spec, engine, path or keeper_path(spec, name)),
        partition_by=table.partition_by,
        order_by=table.order_by,
        ttl=ttl(table, sealed=sealed),
        settings=", ".join(f"{key} = {value}" for key, value in settings.items()),
    )


def _table(spec: Spec, kind: Kind, of: str, name: str, **clauses: str) -> SchemaObject:
    params: dict[str, Value] = {
        "table": (spec.target.database, name),
        "cluster": cluster(spec),
        **dict.fromkeys(("partition_by", "order_by", "ttl", "settings"), ""),
        **clauses,
    }
    return SchemaObject(kind, spec.target.database, name, of, "create_table", params)


def _materialized(
    spec: Spec,
    kind: Kind,
    of: str,
    *,
    view: str,
    target: str,
    source: str,
    columns: str,
    condition: str,
    keys: str = "",
) -> SchemaObject:
    where = spec.target.database
    params: dict[str, Value] = {
        "view": (where, view),
        "cluster": cluster(spec),
        "target": (where, target),
        "rights": AS_DEFINER,
        "columns": columns,
        "source": (where, source),
        "condition": condition,
        "keys": keys,
    }
    return SchemaObject(kind, where, view, of, "create_materialized_view", params)


def _without_rights(item: SchemaObject) -> SchemaObject:
    return replace(item, params={**item.params, "rights": ""}) if "rights" in item.params else item


def _views(spec: Spec) -> list[SchemaObject]:
    where = spec.target.database
    return [
        SchemaObject(
            Kind.VIEW,
            where,
            view.name,
            view.name,
            "create_view",
            {"view": (where, view.name), "cluster": cluster(spec), "select": spec.filled(view.select)},
        )
        for view in view_order(spec)
    ]


def _unstored(columns: Mapping[str, str]) -> str:
    """Column definitions for a table that keeps nothing itself."""
    return listed(
        [
            f"{quote_identifier(name)} {definitions.parse(text).text(stored=False)}"
            for name, text in columns.items()
        ]
    )


def _distributed(spec: Spec, over: str, sharding_key: str) -> str:
    names = [literal(name) for name in (spec.target.cluster, spec.target.database, over)]
    return f"Distributed({', '.join([*names, *([sharding_key] if sharding_key else [])])})"
