"""What a run without its journal learns from v2: watermarks are kept by the views that divide rows, so a new run takes them over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from chtui.errors import ChtuiError, MigrateError
from chtui.migrate import ddl, hooks, schema
from chtui.migrate.facts import WATERMARK
from chtui.migrate.hosts import Host, each
from chtui.migrate.live.rebuild import RESUME
from chtui.migrate.live.watermark import NANOSECONDS
from chtui.migrate.live.words import Words
from chtui.migrate.schema import State
from chtui.migrate.spec import Spec, TableSpec
from chtui.migrate.stand import Stand
from chtui.records import HostId

INSTANT = re.compile(r">=\s*\(?(fromUnixTimestamp64Nano\(toInt64\(|toDateTime\()'?(\d+)'?\)")
"""A watermark in a live view, as `ddl.live` writes it and a server gives it back."""


class Kept(NamedTuple):
    """What a host's objects tell of an earlier run."""

    watermarks: dict[str, int]
    """Of tables with a live view, in nanoseconds since 1970."""
    sealed: set[str]
    """Tables whose names lead to v2's rows."""


def read(host: Host, spec: Spec, tables: Sequence[TableSpec]) -> Kept:
    """Return what a host's objects tell of some tables.

    Raises:
        QueryError, ConnectError: it cannot be asked.
    """
    found = schema.read(host, spec.target.database).tables
    watermarks: dict[str, int] = {}
    for table in tables:
        _, text = found.get(table.live, ("", ""))
        if match := INSTANT.search(text):
            watermarks[table.name] = int(match[2]) * (1 if "64" in match[1] else NANOSECONDS)
    names = schema.compare(host, [ddl.distributed(spec, table, sealed=True) for table in tables])
    return Kept(watermarks, {state.wanted.name for state in names if state.state is State.EQUAL})


def adopt(stand: Stand, words: Words) -> None:
    """Take over the watermarks of an earlier run whose journal is lost, and let writers go on which it may have paused.

    Nothing is done for tables whose watermark the journal knows, and none where v2 has no live view.

    Raises:
        MigrateError: a table's name leads to its rows already, so v1 may lack rows v2 has; or hosts have different watermarks (1).
        QueryError, ConnectError: a host's objects cannot be read.
    """
    spec, facts = stand.ground.spec, stand.facts()
    known = facts.watermarks.keys() | facts.sealed.keys() | facts.sealing
    left = [table for table in spec.tables if table.name not in known]
    if not left:
        return
    kept: dict[HostId, Kept] = {}
    for host, told in each(stand.ground.hosts.targets, partial(read, spec=spec, tables=left)).items():
        if isinstance(told, ChtuiError):
            raise told
        kept[host] = told
    _demand_unsealed(stand, kept)
    adopted: dict[str, int] = {}
    for table in left:
        by_host = {
            host: own.watermarks[table.name] for host, own in kept.items() if table.name in own.watermarks
        }
        if len(set(by_host.values())) > 1:
            told_by = ", ".join(f"{host}: {at_ns}" for host, at_ns in by_host.items())
            raise MigrateError(
                f"{table.live} has different watermarks, in ns since 1970: {told_by}",
                where=spec.target.database,
                fix=f"drop {table.live} on every host, then go on again",
                exit_code=1,
            )
        if by_host:
            adopted[table.name] = next(iter(by_host.values()))
    if adopted and RESUME in spec.hooks:
        hooks.run(stand, RESUME, words.confirmed)
    for name, at_ns in adopted.items():
        stand.hands.diary.append(WATERMARK, {"table": name, "at_ns": str(at_ns)})


def _demand_unsealed(stand: Stand, kept: Mapping[HostId, Kept]) -> None:
    """Refuse to go on where rows go to v2's tables by their names: an earlier run sealed that."""
    sealed = set[str]().union(*(own.sealed for own in kept.values()))
    if sealed:
        raise MigrateError(
            f"the names {', '.join(sorted(sealed))} lead to v2's rows already, as after a seal: without that run's journal nobody"
            " knows that v1 still gets every row, and what v1 lacks would be taken from v2",
            where=stand.hands.run,
            fix="copy the run's folder here and take over without --rebuild; chtui migrate verify compares both sides",
            exit_code=1,
        )
