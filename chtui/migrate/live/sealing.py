"""The seal: every table has v1's rows, each as often, its aggregates are those of its rows, and its name leads to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext

from chtui.errors import MigrateError, QueryError
from chtui.migrate import ddl, schema, verify_states
from chtui.migrate.facts import SEALED, SEALING
from chtui.migrate.live.comparing import Place, differing
from chtui.migrate.live.flushing import flush
from chtui.migrate.live.rebuild import can_pause, paused_writers, recompute
from chtui.migrate.live.repair import Repair
from chtui.migrate.live.watermark import clock_seconds
from chtui.migrate.live.words import Words
from chtui.migrate.questions import Questions
from chtui.migrate.spec import TableSpec
from chtui.migrate.stand import Stand
from chtui.migrate.verification import State, Verification

LAST_SWEEPS = 5
"""How often v1's last rows are brought over while writers pause: once is enough unless a host fails."""


def seal(stand: Stand, settled: Mapping[str, int], words: Words, *, seen: Verification | None = None) -> None:
    """Seal all tables that are not sealed yet; `settled` tells up to when each was seen equal.

    `seen` is a look that found all of a v1 equal that is still: nothing is compared again then.

    With a hook that pauses writers the last rows are brought over while none come, so that nothing can be missed. Without
    one a row that comes late while names change may be missing: the journal says up to when all is exact.

    Raises:
        MigrateError: rows or aggregates differ still, or the journal or the lease do not allow more.
        QueryError, ConnectError: a server failed; it may be called again.
    """
    spec = stand.ground.spec
    tables = [table for table in spec.tables if table.name not in stand.facts().sealed]
    if not tables:
        return
    is_still = not stand.facts().watermarks
    pauses = can_pause(stand) and not is_still
    with paused_writers(stand, words) if pauses else nullcontext():
        if pauses:
            flush(stand, tables)
        if seen is None:
            if pauses or is_still:
                _sweep(stand, tables)
            for table in tables:
                _settle_aggregates(stand, table, None if pauses or is_still else settled[table.name])
        for table in tables:
            if table.name not in stand.facts().sealing:
                stand.hands.diary.append(SEALING, {"table": table.name})
            _switch_name(stand, table)
            exact = 0 if pauses or is_still else settled[table.name]
            at = clock_seconds(stand.ground.hosts.source)
            stand.hands.diary.append(SEALED, {"table": table.name, "clock_seconds": at, "exact_until": exact})


def _sweep(stand: Stand, tables: Sequence[TableSpec]) -> None:
    """Bring over the last rows of v1, of which no more come now."""
    for _ in range(LAST_SWEEPS):
        left = {table.name: wrong for table in tables if (wrong := differing(stand, table, None))}
        accepted = stand.facts().accepted
        if all(place.name in accepted for wrong in left.values() for place in wrong):
            return
        for table in tables:
            if table.name in left:
                Repair.of(stand, table, None).mend(left[table.name])
    found = [place.name for wrong in left.values() for place in wrong]
    stand.progress.name_differences(found)
    names = ", ".join(found)
    raise MigrateError(
        f"not equal while writers paused: {names}",
        where=stand.hands.run,
        fix="chtui migrate verify names the rows",
        exit_code=1,
    )


def _settle_aggregates(stand: Stand, table: TableSpec, until_seconds: int | None) -> None:
    """Compute anew the aggregates that are not those of their base, or of which nobody knows."""
    half = stand.facts().half_added
    places = {
        Place(table.name, partition_id, stand.ground.hosts.host(host.id).shard_num, host.id)
        for name, partition_id, where in half
        for host in stand.ground.hosts.targets
        if name == table.name and str(host.id) == where
    }
    for place in places:
        recompute(stand, table, place)
    wrong = _wrong_aggregates(stand, table, until_seconds)
    for place in wrong:
        recompute(stand, table, place)
    if wrong and (left := _wrong_aggregates(stand, table, until_seconds)):
        raise MigrateError(
            f"aggregates are not those of their rows: {', '.join(sorted(place.name for place in left))}",
            where=stand.hands.run,
            fix="chtui migrate verify names the keys",
            exit_code=1,
        )


def _wrong_aggregates(stand: Stand, table: TableSpec, until_seconds: int | None) -> set[Place]:
    found: set[Place] = set()
    for aggregate in stand.ground.spec.aggregates:
        if aggregate.base != table.name:
            continue
        for check in verify_states.check(stand.ground, aggregate, Questions(), until_seconds):
            if check.state is State.UNKNOWN:
                raise MigrateError(
                    f"{aggregate.name} cannot be compared: {check.error}", where=str(check.host), exit_code=3
                )
            if check.state is State.DIFFERS:
                shard = stand.ground.hosts.host(check.host).shard_num
                found.add(Place(table.name, check.partition_id, shard, check.host))
    return found


def _switch_name(stand: Stand, table: TableSpec) -> None:
    """Let a table's name lead to its rows on every host; hosts where it does are left as they are."""
    spec, hands = stand.ground.spec, stand.hands
    wanted = [ddl.distributed(spec, table, sealed=True)]
    for host in stand.ground.hosts.targets:
        if schema.compare(host, wanted)[0].state is schema.State.EQUAL:
            continue
        for item in ddl.seal(spec, table):
            alone = item.alone()
            hands.before(host.id, alone)
            try:
                host.run(alone.statement, alone.params)
            except QueryError:
                # The name may have been changed by a statement nobody heard back from: what is there decides.
                break
        if schema.compare(host, wanted)[0].state is not schema.State.EQUAL:
            raise MigrateError(
                f"the name {table.name} does not lead to {table.local} yet", where=str(host.id), exit_code=3
            )
