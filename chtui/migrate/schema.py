"""Whether hosts hold the objects a spec wants, and making those they lack. What a host holds decides, never an exit code."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from chtui.errors import ChtuiError, MigrateError
from chtui.migrate import created
from chtui.migrate.ddl import Kind, SchemaObject
from chtui.migrate.hosts import Host, each
from chtui.records import HostId

FORMATS_SINCE = (23, 10)
"""The first version with `formatQuerySingleLine`. Source: ClickHouse 23.10 changelog."""
DDL_SECONDS = 180.0
"""How long a statement in the DDL queue is waited for. Source: `distributed_ddl_task_timeout`."""
REFUSED_SECONDS = 10.0
"""How long hosts are watched after a statement with ON CLUSTER ended in an error: it may have been queued."""
POLL_SECONDS = 0.2
OWN = "chtui_"
"""What the names of chtui's own tables begin with."""


class State(StrEnum):
    """How an object of a host relates to the wanted one."""

    MISSING = "missing"
    EQUAL = "equal"
    DIFFERENT = "different"
    """The same kind of object, made otherwise."""
    FOREIGN = "foreign"
    """Something of another kind that has the name."""


@dataclass(frozen=True, slots=True)
class ObjectState:
    """One wanted object on one host."""

    wanted: SchemaObject
    state: State
    differences: tuple[str, ...] = ()
    """What differs, a line each."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a host holds in v2's database."""

    has_database: bool
    tables: Mapping[str, tuple[str, str]]
    """Name to engine and CREATE statement."""


def read(host: Host, database: str) -> Found:
    """Return what a host holds in a database.

    Raises:
        QueryError, ConnectError: it cannot be asked.
    """
    has = bool(host.rows("schema_databases", {"database": database}))
    rows = host.rows("schema_tables", {"database": database}) if has else ()
    return Found(has, {str(name): (str(engine), str(text)) for name, engine, text in rows})


def compare(host: Host, wanted: Sequence[SchemaObject]) -> list[ObjectState]:
    """Return the state of every wanted object, all of one database, on a host.

    Raises:
        QueryError, ConnectError: it cannot be asked.
    """
    found = read(host, wanted[0].database)
    there = [item for item in wanted if item.kind is not Kind.DATABASE and item.name in found.tables]
    texts = [text for item in there for text in (item.alone().text, found.tables[item.name][1])]
    formats = host.version >= FORMATS_SINCE
    if formats and texts:
        texts = [str(row[0]) for row in host.rows("formatted", {"texts": [*texts]})]
    states = {
        item.name: _state(item, found.tables[item.name][0], texts[2 * index], texts[2 * index + 1], formats)
        for index, item in enumerate(there)
    }
    return [
        _database(item, found)
        if item.kind is Kind.DATABASE
        else states.get(item.name, ObjectState(item, State.MISSING))
        for item in wanted
    ]


def strangers(host: Host, wanted: Sequence[SchemaObject]) -> list[str]:
    """Return what else a host holds in the database of the wanted objects, but for chtui's own tables.

    Raises:
        QueryError, ConnectError: it cannot be asked.
    """
    names = {item.name for item in wanted}
    found = read(host, wanted[0].database).tables
    return sorted(name for name in found if name not in names and not name.startswith((OWN, ".inner")))


def ensure(
    hosts: Sequence[Host],
    wanted: Sequence[SchemaObject],
    before: Callable[[HostId, SchemaObject], None] | None = None,
    *,
    seconds: float = DDL_SECONDS,
) -> None:
    """Make every wanted object that hosts lack; all others must be as wanted. May be called again at any time.

    `before` is called with the host that is asked and the object, before each statement. A statement with ON CLUSTER is
    sent to the first host; whether it was carried out is read from every host.

    Raises:
        MigrateError: an object differs (1), a host cannot be asked, or does not hold an object in time (3).
        QueryError: a host refused a statement that was for it alone.
    """
    states = demand(hosts, wanted)
    for index, item in enumerate(wanted):
        lacking = [host for host in hosts if states[host.id][index].state is State.MISSING]
        for host in hosts[:1] if lacking and item.params.get("cluster") else lacking:
            if before is not None:
                before(host.id, item)
            if item.params.get("cluster"):
                _on_cluster(hosts, item, seconds)
            else:
                host.run(item.statement, item.params, seconds=seconds)
    for host_id, found in demand(hosts, wanted).items():
        for state in found:
            if state.state is State.MISSING:
                raise MigrateError(
                    f"{_label(state.wanted)} is not there although it was made",
                    where=str(host_id),
                    exit_code=3,
                )


def demand(hosts: Sequence[Host], wanted: Sequence[SchemaObject]) -> dict[HostId, list[ObjectState]]:
    """Return the state of every wanted object on every host; none of them may be different or foreign.

    Raises:
        MigrateError: one is (1), or a host cannot be asked (3).
    """
    result: dict[HostId, list[ObjectState]] = {}
    for host, found in each(hosts, lambda host: compare(host, wanted)).items():
        if isinstance(found, ChtuiError):
            raise MigrateError(
                f"its schema cannot be read: {found.what}", where=str(host), fix=found.fix, exit_code=3
            )
        for state in found:
            _demand_fit(state, host)
        result[host] = found
    return result


def _on_cluster(hosts: Sequence[Host], item: SchemaObject, seconds: float) -> None:
    refused = ""
    try:
        hosts[0].run(item.statement, item.params, seconds=seconds)
    except ChtuiError as error:
        # A time-out, or a host that is down: the statement may still run. Every host is asked below.
        refused = error.what
    deadline = time.monotonic() + (REFUSED_SECONDS if refused else seconds)
    while lacking := [
        str(host) for host, states in demand(hosts, [item]).items() if states[0].state is State.MISSING
    ]:
        if time.monotonic() > deadline:
            raise MigrateError(
                f"{_label(item)} is not there yet{f': {refused}' if refused else ''}",
                where=", ".join(lacking),
                fix="see the DDL queue, then go on again",
                exit_code=3,
            )
        time.sleep(POLL_SECONDS)


def _demand_fit(state: ObjectState, host: HostId) -> None:
    if state.state in (State.DIFFERENT, State.FOREIGN):
        more = f" (and {len(state.differences) - 1} more)" if len(state.differences) > 1 else ""
        raise MigrateError(
            f"{_label(state.wanted)} is {state.state}: {state.differences[0]}{more}",
            where=str(host),
            fix="drop or rename it, or change the spec",
            exit_code=1,
        )


def _label(item: SchemaObject) -> str:
    return f"{item.kind} {item.database}.{item.name}" if item.name else f"{item.kind} {item.database}"


def _database(item: SchemaObject, found: Found) -> ObjectState:
    return ObjectState(item, State.EQUAL if found.has_database else State.MISSING)


def _state(item: SchemaObject, engine: str, wanted: str, found: str, brackets: bool) -> ObjectState:
    family = _family(item)
    if family != engine.removeprefix("Replicated"):
        return ObjectState(item, State.FOREIGN, (f"engine: {engine}, wanted {family}",))
    lines = created.differences(
        created.pieces(wanted, brackets=brackets), created.pieces(found, brackets=brackets)
    )
    return ObjectState(item, State.DIFFERENT if lines else State.EQUAL, tuple(lines))


def _family(item: SchemaObject) -> str:
    """The engine as `system.tables` has it, without the flavour."""
    if item.statement == "create_view":
        return "View"
    if item.statement == "create_materialized_view":
        return "MaterializedView"
    return str(item.params["engine"]).partition("(")[0].removeprefix("Replicated")
