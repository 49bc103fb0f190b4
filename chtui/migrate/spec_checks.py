"""Whether the parts of a spec fit together; what does not is collected at its line. Asks no server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from chtui.errors import ConfigError
from chtui.migrate import definitions, expressions
from chtui.migrate.definitions import Definition
from chtui.migrate.spec import AggregateSpec, Flavour, Spec, TableSpec, ViewSpec
from chtui.profile.layer import nearest
from chtui.profile.toml_values import Table

V2 = "chtui_database"
"""What stands for v2's database in a view's text while it is looked through."""
TIME_TYPES = ("DateTime", "DateTime64")
FINAL_AGGREGATES = re.compile(
    r"(avg|quantile|quantiles|median|uniq|count|sum|min|max|any|stddev|var|corr|covar|argMin|argMax|group[A-Z]|topK)\w*"
)
"""Aggregate functions by the beginnings of their names; with the suffix State they give states instead."""
ORDER_DEPENDENT = frozenset(
    (
        "any", "anyHeavy", "anyLast", "deltaSum", "first_value", "groupArray", "groupArraySample", "last_value", "median", "quantile",
        "quantiles", "quantileGK", "quantilesGK", "quantileTDigest", "quantilesTDigest", "quantileTDigestWeighted",
        "quantilesTDigestWeighted", "topK", "topKWeighted",
    )
)  # fmt: skip
"""Functions whose state depends on the order of rows or merges, so that two that should be equal are not.

Source: `quantilesState` gave three values for one median by way of insertion (reference plan); the others by their definition.
"""
SIMPLE_OF = {"count": "sum"}
"""What a SimpleAggregateFunction merges a function's results by, where it is another one."""


def check(spec: Spec, top: Table) -> None:
    """Collect what does not fit together."""
    tables = _within(top, "table")
    if not spec.tables and not top.data.get("table"):
        top.collect(ConfigError("no table to migrate", where=str(top.document.path), fix="add [table.NAME]"))
    for table in spec.tables:
        _check_table(table, _within(tables, table.name))
    aggregates = _within(top, "aggregate")
    for aggregate in spec.aggregates:
        _check_aggregate(aggregate, spec, _within(aggregates, aggregate.name))
    _check_objects(spec, top)
    _check_views(spec, _within(top, "view"))
    _check_target(spec, _within(top, "target"))
    _check_left(spec, _within(top, "not_mapped"))


def view_order(spec: Spec) -> list[ViewSpec]:
    """Return the views so that each comes after those it reads.

    Raises:
        graphlib.CycleError: they read each other.
    """
    by_name = {view.name: view for view in spec.views}
    graph = {view.name: [name for name in by_name if name in reads(view, spec)] for view in spec.views}
    return [by_name[name] for name in TopologicalSorter(graph).static_order()]


def _within(table: Table, key: str) -> Table:
    inner = table.data.get(key)
    return Table(table.document, (*table.path, key), inner if isinstance(inner, dict) else {}, None)


def _check_table(table: TableSpec, at: Table) -> None:
    # What is empty here was refused when it was read.
    columns = {name: definitions.parse(text or "String") for name, text in table.columns.items()}
    if table.time and table.time not in columns:
        at.note("time", f"is '{table.time}', which is no column", nearest(table.time, columns))
    elif table.columns.get(table.time) and not _is_time(columns[table.time]):
        at.note(
            "time", "must be a DateTime or DateTime64 column that is given, not computed", "choose another"
        )
    for key in ("sharding_key", "partition_by", "order_by", "expires"):
        _check_names(at, key, getattr(table, key), columns)
    for key in ("indexes", "moves"):
        for text in getattr(table, key):
            _check_names(at, key, _of_index(text) if key == "indexes" else text, columns)
    _check_expressions(at, columns)
    if any("DELETE" in expressions.normalized(rule).upper().split() for rule in table.moves):
        at.note("moves", "holds a rule that deletes", "give it as expires: it is set after the seal")
    if "storage_policy" in table.settings:
        _within(at, "settings").note(
            "storage_policy", "stands in the wrong place", "write it as policy in [target]"
        )
    sources = _within(at, "source")
    if not table.sources and "source" in at.data:
        sources.note("", "names no table of v1", f"add [table.{table.name}.source.V1TABLE]")
    for source in table.sources:
        mapping = _within(_within(sources, source.name), "mapping")
        for name in source.mapping:
            if name not in columns:
                mapping.note(name, "is no column of v2", nearest(name, columns))
            elif not columns[name].is_given:
                mapping.note(name, f"is computed ({columns[name].kind}) and cannot be given", "leave it out")


def _is_time(column: Definition) -> bool:
    return definitions.arguments(column.type)[0] in TIME_TYPES and column.is_given


def _of_index(text: str) -> str:
    """The expression of a skip index: between its name and TYPE."""
    found = expressions.tokens(text)
    end = next((token.start for token in found if token.text.upper() == "TYPE"), len(text))
    return text[found[1].start : end] if len(found) > 1 else ""


def _check_expressions(at: Table, columns: Mapping[str, Definition]) -> None:
    inner = _within(at, "columns")
    for name, column in columns.items():
        _check_names(inner, name, column.expression, columns)


def _check_names(at: Table, key: str, text: str, columns: Iterable[str]) -> None:
    known = set(columns)
    for name in sorted(expressions.names(text)):
        # `a.1` is an element of a tuple, `a.b` may be a subcolumn.
        if name not in known and name.partition(".")[0] not in known:
            at.note(key, f"names {name}, which is no column", nearest(name, known))


def _check_aggregate(aggregate: AggregateSpec, spec: Spec, at: Table) -> None:
    base = next((table for table in spec.tables if table.name == aggregate.base), None)
    if base is None and not aggregate.base:
        return
    if base is None:
        what = f"is '{aggregate.base}', which is no table of this spec"
        if aggregate.base in {other.name for other in spec.aggregates}:
            what = f"is '{aggregate.base}', an aggregate itself: published partitions never pass its view"
        at.note("base", what, nearest(aggregate.base, [table.name for table in spec.tables]))
        return
    columns, select = _within(at, "columns"), _within(at, "select")
    for name in aggregate.columns:
        if name not in aggregate.select:
            columns.note(name, "is not in select", "say there what gives it")
    for name, text in aggregate.select.items():
        if name not in aggregate.columns:
            select.note(name, "is not in columns", nearest(name, aggregate.columns))
        _check_names(select, name, text, base.columns)
        if name in base.columns and expressions.normalized(text) != name:
            select.note(name, f"hides the column of that name of {base.name}", "give it another name")
    _check_names(at, "where", aggregate.where, base.columns)
    for key in ("partition_by", "order_by", "expires"):
        _check_names(at, key, getattr(aggregate, key), aggregate.columns)
    if aggregate.time and aggregate.time not in aggregate.keys:
        at.note("time", f"is '{aggregate.time}', which is no key", nearest(aggregate.time, aggregate.keys))
    _check_keys(aggregate, at)
    _check_states(aggregate, select)
    _check_partitioning(aggregate, base, at)


def _check_keys(aggregate: AggregateSpec, at: Table) -> None:
    """A column that is neither in the sorting key nor a state keeps the value of any one row when parts merge."""
    columns = _within(at, "columns")
    in_order = {expressions.unquoted(part) for part in expressions.parts(aggregate.order_by)}
    for name in aggregate.columns:
        text = aggregate.select.get(name, "")
        final = [name for name in expressions.functions(text) if _is_final(name)]
        if name in aggregate.states:
            if name in in_order:
                at.note("order_by", f"has {name}, which holds states", f"take {name} out")
        elif final:
            columns.note(
                name,
                f"holds results of {final[0]}, which cannot be merged: parts would keep any one of them",
                f"make it AggregateFunction({final[0]}, ...) and select {final[0]}State",
            )
        elif name not in in_order and aggregate.order_by and aggregate.columns[name]:
            columns.note(
                name,
                "is grouped by but not in order_by: rows that differ in it alone would be merged into one",
                f"add {name} to order_by",
            )


def _check_states(aggregate: AggregateSpec, select: Table) -> None:
    for name in aggregate.states:
        text = aggregate.select.get(name, "")
        kind, arguments = definitions.arguments(definitions.parse(aggregate.columns[name]).type)
        function = definitions.arguments(arguments[0])[0] if arguments else ""
        called = expressions.functions(text) | _parametric(text)
        if function in ORDER_DEPENDENT:
            select.note(
                name,
                f"keeps states of {function}, which depend on the order of rows: no proof could hold",
                "take an exact one or quantilesDD",
            )
        elif kind == "AggregateFunction" and not any(
            call in (f"{function}State", f"{function}StateIf", f"{function}IfState") for call in called
        ):
            select.note(name, f"gives no state of {function}", f"write {function}State(...)")
        elif kind == "SimpleAggregateFunction" and not _simple_fits(function, called):
            select.note(
                name,
                f"is not of {function}: results of another function cannot be merged by it",
                f"write {function}(...)",
            )


def _parametric(text: str) -> set[str]:
    """Functions with parameters: of `f(1)(x)` the first bracket makes it look as any other call."""
    return {token.text for token in expressions.tokens(text) if token.kind == "word"}


def _simple_fits(function: str, called: set[str]) -> bool:
    bases = {name.removesuffix("If") for name in called if _is_final(name)}
    return not bases or all(SIMPLE_OF.get(name, name) == function for name in bases)


def _is_final(name: str) -> bool:
    return bool(FINAL_AGGREGATES.fullmatch(name)) and not name.endswith(("State", "StateIf", "IfState"))


def _check_partitioning(aggregate: AggregateSpec, base: TableSpec, at: Table) -> None:
    """A base's partition and its aggregate's are published together, so a row's must be the same in both."""
    of_base = expressions.normalized(base.partition_by)
    given = {name: f"({text})" for name, text in aggregate.select.items()}
    written = expressions.replaced(aggregate.partition_by, given)
    if not aggregate.partition_by or not base.partition_by or _bare(written) == _bare(base.partition_by):
        return
    at.note(
        "partition_by",
        f"is not the partitioning of {base.name}, {of_base.replace(' ', '')}: the two are published together",
        f"make it {base.partition_by} over columns that select takes from {base.name} unchanged",
    )


def _bare(text: str) -> str:
    """A text without the brackets around single names."""
    found, before = expressions.normalized(text), ""
    while found != before:
        before, found = found, re.sub(r"\( \( ([\w.]+) \) \)", r"( \1 )", found)
    return found


def _check_objects(spec: Spec, top: Table) -> None:
    """Two objects of one name, each with the line of what makes it."""
    made: dict[str, str] = {}
    for section, name, objects in [
        *(("table", t.name, (t.name, t.local, t.ingest, t.live)) for t in spec.tables),
        *(("aggregate", a.name, (a.name, a.local, a.view, a.live)) for a in spec.aggregates),
        *(("view", v.name, (v.name,)) for v in spec.views),
    ]:
        for made_name in objects:
            if made_name in made:
                _within(top, section).note(
                    name, f"makes {made_name}, which {made[made_name]} makes already", "give it another name"
                )
            made.setdefault(made_name, f"{section}.{name}")


def reads(view: ViewSpec, spec: Spec) -> set[str]:
    """Return what a view reads in v2's database."""
    found = expressions.tokens(view.select.replace("{database}", V2))
    return {
        expressions.unquoted(third.text)
        for first, second, third in zip(found, found[1:], found[2:], strict=False)
        if second.text == "." and expressions.unquoted(first.text) in (V2, spec.target.database)
    }


def _check_views(spec: Spec, at: Table) -> None:
    known = {view.name for view in spec.views}
    known |= {name for t in spec.tables for name in (t.name, t.local)}
    known |= {name for a in spec.aggregates for name in (a.name, a.local)}
    for view in spec.views:
        read = reads(view, spec)
        for name in sorted(read - known):
            _within(at, view.name).note(
                "select", f"reads {name}, which this spec does not make", nearest(name, known)
            )
        if not read and view.select and spec.target.database:
            _within(at, view.name).note("select", "reads nothing of v2", "name tables as {database}.NAME")
        elif local := sorted(name for name in read if name.endswith("_local")):
            _within(at, view.name).note(
                "select",
                f"reads {local[0]}: one shard's rows only",
                f"read {local[0].removesuffix('_local')}",
            )
    try:
        view_order(spec)
    except CycleError as error:
        names = [str(name) for name in error.args[1]]
        at.note(names[0], f"reads itself by way of {' > '.join(names)}", "break the circle")


def _check_target(spec: Spec, at: Table) -> None:
    target = spec.target
    if target.database and spec.source.database == target.database:
        at.note("database", "is v1's too", "give v2 a database of its own")
    if target.flavour is Flavour.PLAIN or not target.keeper_path:
        return
    path = target.keeper_path
    others = re.sub(r"\{(database|table)\}", "", path)
    if not path.startswith("/"):
        at.note("keeper_path", "does not begin with a slash")
    if "{table}" not in path:
        at.note("keeper_path", "has no {table}: all tables would be one", "add {table}")
    if not re.search(r"\{\w+\}", others):
        at.note("keeper_path", "has no macro: all shards would be one", "add {shard}")
    if not re.search(r"\{\w+\}", target.replica):
        at.note("replica", "has no macro: all replicas would be one", "write {replica}")


def _check_left(spec: Spec, at: Table) -> None:
    taken = {source.name: table.name for table in spec.tables for source in table.sources}
    for name in spec.not_mapped:
        if name in taken:
            at.note(name, f"is mapped: it feeds {taken[name]}", "take it out of one of the two")
