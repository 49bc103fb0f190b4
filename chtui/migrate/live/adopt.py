"""What a run without its journal learns from v2: watermarks are kept by the views that divide rows, so a new run takes them over."""

from __future__ import annotations

import re
from collections.abc import Mapping

from chtui.errors import ChtuiError, MigrateError
from chtui.migrate import ddl, hooks, schema
from chtui.migrate.facts import WATERMARK
from chtui.migrate.hosts import each
from chtui.migrate.live.rebuild import RESUME
from chtui.migrate.live.watermark import NANOSECONDS
from chtui.migrate.live.words import Words
from chtui.migrate.schema import State
from chtui.migrate.spec import TableSpec
from chtui.migrate.stand import Stand
from chtui.records import HostId

INSTANT = re.compile(r">=\s*\(?(fromUnixTimestamp64Nano\(toInt64\(|toDateTime\()'?(\d+)'?\)")
"""A watermark in a live view, as `ddl.live` writes it and a server gives it back."""


def adopt(stand: Stand, words: Words) -> None:
    """Take over the watermarks of an earlier run whose journal is lost, and let writers go on which it may have paused.

    Nothing is done for tables whose watermark the journal knows, and none where v2 has no live view.

    Raises:
        MigrateError: a table's name leads to its rows already, so v1 may lack rows v2 has; or hosts have different watermarks (1).
        QueryError, ConnectError: a host's objects cannot be read.
    """
    facts = stand.facts()
    known = facts.watermarks.keys() | facts.sealed.keys() | facts.sealing
    left = [table for table in stand.ground.spec.tables if table.name not in known]
    if not left:
        return
    found = _found(stand)
    _demand_unsealed(stand, left)
    adopted: dict[str, int] = {}
    for table in left:
        by_host = {host: at_ns for host, tables in found.items() if (at_ns := _watermark(table, tables))}
        instants = set(by_host.values())
        if len(instants) > 1:
            told = ", ".join(f"{host}: {at_ns}" for host, at_ns in by_host.items())
            raise MigrateError(
                f"{table.live} has different watermarks, in ns since 1970: {told}",
                where=stand.ground.spec.target.database,
                fix=f"drop {table.live} on every host, then go on again",
                exit_code=1,
            )
        if instants:
            adopted[table.name] = instants.pop()
    if adopted and RESUME in stand.ground.spec.hooks:
        hooks.run(stand, RESUME, words.confirmed)
    for name, at_ns in adopted.items():
        stand.hands.diary.append(WATERMARK, {"table": name, "at_ns": str(at_ns)})


def _found(stand: Stand) -> dict[HostId, Mapping[str, tuple[str, str]]]:
    """What every target host holds in v2's database."""
    database = stand.ground.spec.target.database
    found: dict[HostId, Mapping[str, tuple[str, str]]] = {}
    for host, told in each(stand.ground.hosts.targets, lambda host: schema.read(host, database)).items():
        if isinstance(told, ChtuiError):
            raise told
        found[host] = told.tables
    return found


def _watermark(table: TableSpec, tables: Mapping[str, tuple[str, str]]) -> int | None:
    """The instant from which on a host's live view takes rows, in ns since 1970; None where it has none of this form."""
    _, text = tables.get(table.live, ("", ""))
    match = INSTANT.search(text)
    if match is None:
        return None
    return int(match[2]) * (1 if "64" in match[1] else NANOSECONDS)


def _demand_unsealed(stand: Stand, left: list[TableSpec]) -> None:
    """Refuse to go on where rows go to v2's tables by their names: an earlier run sealed that."""
    spec, targets = stand.ground.spec, stand.ground.hosts.targets
    wanted = [ddl.distributed(spec, table, sealed=True) for table in left]
    sealed: set[str] = set()
    for told in each(targets, lambda host: schema.compare(host, wanted)).values():
        if isinstance(told, ChtuiError):
            raise told
        sealed |= {state.wanted.name for state in told if state.state is State.EQUAL}
    if sealed:
        raise MigrateError(
            f"the names {', '.join(sorted(sealed))} lead to v2's rows already, as after a seal: without that run's journal nobody"
            " knows that v1 still gets every row, and what v1 lacks would be taken from v2",
            where=stand.hands.run,
            fix="copy the run's folder here and take over without --rebuild; chtui migrate verify compares both sides",
            exit_code=1,
        )
