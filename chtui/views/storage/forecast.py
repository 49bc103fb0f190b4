"""What TTL will do on each host, out of its parts' TTL infos, its tables' rules and its policies. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId
from chtui.records.storage import TtlRules, TtlSums
from chtui.views.storage.places import Places, places
from chtui.views.storage.rules import MoveRule, Rules, parse_clause

HORIZONS = 5
"""Now, 1 hour, 6 hours, 1 day, 7 days: what the sums of `TtlSums` stand for."""
MOVE_GRACE_SECONDS = 600
"""A move that is due for longer is late. Source: chtui's choice; the engine looks for moves every few seconds."""
TRUE_WORDS = ("1", "true")


class Forecast(NamedTuple):
    """What one rule does to a table's parts in one volume of one host."""

    host: HostId
    database: str
    table: str
    kind: str
    """`delete`, `delete where` or `move`."""
    policy: str
    volume: str
    """Where the rows are."""
    target: str
    """The volume or disk they move to; empty for other kinds, and where no rule says."""
    target_volume: str
    """The volume they move to."""
    is_whole: bool
    """Whether whole parts go when their last row expires, or rows one by one."""
    rows: tuple[float, ...]
    """Due now, in 1 hour, 6 hours, 1 day, 7 days; what is due now is in all of them."""
    size_bytes: tuple[float, ...]
    first_seconds: int | None
    """Until the first of them is due, negative since then; None if none is within 7 days."""
    never_rows: int
    never_bytes: int
    """Of parts that have no info for the rule, so that it never touches them."""
    grace_seconds: int
    """How long something may be due before it is late."""

    @property
    def is_late(self) -> bool:
        """Whether something should have happened and did not."""
        return (
            self.size_bytes[0] >= 1
            and self.first_seconds is not None
            and -self.first_seconds > self.grace_seconds
        )


def forecasts(snapshot: Snapshot, host: HostId) -> tuple[Forecast, ...]:
    """Return what TTL does on one host, for each table, rule and volume."""
    where = places(snapshot, host)
    rules = {(row.database, row.table): row for row in snapshot.rows(host, "storage_ttl_rules")}
    found: list[Forecast] = []
    for sums in snapshot.rows(host, "storage_ttl"):
        table = rules.get((sums.database, sums.table))
        # A table without rules has none any more, whatever its parts still say.
        if table is not None:
            found.extend(_of_sums(host, sums, table, where))
    return tuple(found)


def _of_sums(host: HostId, sums: TtlSums, table: TtlRules, where: Places) -> Iterator[Forecast]:
    rules = parse_clause(table.clause)
    if sums.kind.startswith("never"):
        if rules.has_delete and sums.kind in ("never", "never delete"):
            yield _never(host, sums, table, where, "delete")
        if rules.moves and sums.kind in ("never", "never move"):
            yield _never(host, sums, table, where, "move")
        return
    if sums.kind == "move":
        rule = rules.move(sums.expression)
        if rule is not None and not _is_there(rule, sums, where):
            yield _dated(host, sums, table, where, rule)
    elif _applies(sums, rules):
        yield _dated(host, sums, table, where, None)


def _applies(sums: TtlSums, rules: Rules) -> bool:
    return sums.expression in rules.conditions if sums.kind == "delete where" else rules.has_delete


def _is_there(rule: MoveRule, sums: TtlSums, where: Places) -> bool:
    if rule.is_disk:
        return sums.disk == rule.target
    return where.volume(where.policy(sums.database, sums.table), sums.disk)[0] == rule.target


def _dated(host: HostId, sums: TtlSums, table: TtlRules, where: Places, rule: MoveRule | None) -> Forecast:
    policy = where.policy(sums.database, sums.table)
    whole = rule is not None or (table.only_drop_parts or table.default_only_drop_parts) in TRUE_WORDS
    target = rule.target if rule else ""
    return Forecast(
        host=host,
        database=sums.database,
        table=sums.table,
        kind=sums.kind,
        policy=policy,
        volume=where.volume(policy, sums.disk)[0],
        target=target,
        target_volume=where.volume(policy, target)[0] if rule and rule.is_disk else target,
        is_whole=whole,
        rows=tuple(sums.whole_rows if whole else sums.spread_rows),
        size_bytes=tuple(sums.whole_bytes if whole else sums.spread_bytes),
        first_seconds=sums.whole_first_seconds if whole else sums.spread_first_seconds,
        never_rows=0,
        never_bytes=0,
        grace_seconds=MOVE_GRACE_SECONDS if rule else _merge_timeout(table),
    )


def _never(host: HostId, sums: TtlSums, table: TtlRules, where: Places, kind: str) -> Forecast:
    policy = where.policy(sums.database, sums.table)
    nothing = (0.0,) * HORIZONS
    return Forecast(
        host, sums.database, sums.table, kind, policy, where.volume(policy, sums.disk)[0], "", "",
        False, nothing, nothing, None, sums.rows, sums.active_bytes, _merge_timeout(table),
    )  # fmt: skip


def _merge_timeout(table: TtlRules) -> int:
    """Merges for TTL are this far apart for one partition, so rows may stay so long after they expired."""
    text = table.merge_timeout or table.default_merge_timeout
    return int(text) if text.isdecimal() else 0


def within(values: Sequence[float], horizon: int) -> int:
    """Return what comes due from now until a horizon, what is due already left out."""
    return max(0, round(values[horizon] - values[0]))
