"""Whether v2 has v1's rows: all of them, each as often, on every replica of the right shard. Reads only, at any time, alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from chtui.errors import ChtuiError, MigrateError
from chtui.migrate import verify_states
from chtui.migrate.hosts import each
from chtui.migrate.layout import HOUR_SECONDS, Ground
from chtui.migrate.look import Look, is_old
from chtui.migrate.questions import Questions
from chtui.migrate.spec import TableSpec
from chtui.migrate.verification import (
    AggregateCheck,
    Compared,
    Failure,
    Told,
    Totals,
    Verification,
    compare,
    totals,
)
from chtui.records import HostId

Say = Callable[[str], None]


def run(
    ground: Ground,
    *,
    tables: Sequence[str] = (),
    until_seconds: float | None = None,
    whole_hours: bool = True,
    max_threads: int = 0,
    say: Say = lambda _: None,
) -> Verification:
    """Compare v2's rows and aggregates with v1's and return what was found; nothing is changed.

    `tables` are those of v2 that are looked at, all unless given. With `until_seconds` (since 1970) only hours that end
    before it are: rows may still come for later ones; without `whole_hours` the rows before it of the hour it lies in too.
    Rows that `ground.left_out` leaves out are not, which is said in `not_verified`.
    `max_threads` is what each server may use for one question, 0 for its own default. `say` is told in a line what is
    being done.

    Raises:
        MigrateError: a table is none of the spec's.
    """
    chosen = _chosen(ground, tables)
    step = HOUR_SECONDS if whole_hours else 1
    until = None if until_seconds is None else int(until_seconds // step) * step
    asker = Questions(max_threads)
    told = each(ground.hosts.everyone, asker.version)
    versions = {host: version for host, version in told.items() if isinstance(version, str)}
    failures = [
        Failure(host, "", "", error.line) for host, error in told.items() if isinstance(error, ChtuiError)
    ]
    compared: list[Compared] = []
    figures: list[Totals] = []
    aggregates: list[AggregateCheck] = []
    for table in chosen:
        look = Look(ground, table, is_old(versions.values()), until, asker)
        say(f"{table.name}: rows of {len(ground.hosts.targets)} hosts and of v1")
        source, targets = look.all()
        mine = compare(table.name, source, targets, ground.layout.shards)
        compared += mine
        figures.append(totals(table.name, source, targets, ground.layout.shards, mine))
        failures += _failures(ground.hosts.source.id, f"{ground.spec.source.database}.*", source)
        for host, answer in targets.items():
            failures += _failures(host, table.name, answer)
        for aggregate in ground.spec.aggregates:
            if aggregate.base == table.name and not verify_states.is_aging_apart(ground, aggregate):
                say(f"{aggregate.name}: states of {len(ground.hosts.targets)} hosts")
                aggregates += verify_states.check(ground, aggregate, asker, until)
    return Verification(
        compared=tuple(compared),
        aggregates=tuple(aggregates),
        totals=tuple(figures),
        failures=tuple(dict.fromkeys(failures)),
        not_verified=_not_verified(ground, chosen),
        versions=versions,
        until_seconds=until,
    )


def _not_verified(ground: Ground, chosen: Sequence[TableSpec]) -> dict[str, str]:
    """What is compared on no side, and why."""
    found: dict[str, str] = {}
    for table in chosen:
        until = ground.left_out.get(table.name)
        if until is not None and table.expires:
            instant = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%d %H:%M UTC")
            found[table.name] = f"rows that expire by {instant}: v2 lets them go"
    for aggregate in ground.spec.aggregates:
        if not any(table.name == aggregate.base for table in chosen):
            continue
        if verify_states.is_aging_apart(ground, aggregate):
            found[aggregate.name] = (
                f"rows of {aggregate.base} expire, and its states do not tell of which rows they are"
            )
            continue
        columns = verify_states.not_verified(aggregate)
        found.update({f"{aggregate.name}.{column}": why for column, why in columns.items()})
    return found


def _failures(host: HostId, table: str, told: Told) -> list[Failure]:
    return [Failure(host, table, partition_id, error) for partition_id, error in told.failed.items()]


def _chosen(ground: Ground, tables: Sequence[str]) -> list[TableSpec]:
    known = {table.name: table for table in ground.spec.tables}
    for name in tables:
        if name not in known:
            raise MigrateError(f"{name} is no table of the spec", fix=f"it has {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(tables or known)]
