"""Small verifications made by hand."""

from __future__ import annotations

from chtui.migrate.digests import Digest
from chtui.migrate.layout import Shard
from chtui.migrate.verification import (
    AggregateCheck,
    Failure,
    Place,
    State,
    Told,
    Verification,
    compare,
    totals,
)
from chtui.records import HostId

A, B, C, D = (HostId(name, 9000) for name in "abcd")
SHARDS = (Shard(1, 0, 1, (A, B)), Shard(2, 1, 2, (C, D)))
HOUR = 1_769_860_800
DAY = ("202601", HOUR)


def told(*places: tuple[Place, int], failed: dict[str, str] | None = None) -> Told:
    """Digests whose hash is their number of rows."""
    return Told({place: Digest(rows, rows, 5, 9) for place, rows in places}, failed or {})


def at(shard: int, hour: int = HOUR, partition: str = "202601") -> Place:
    return (partition, hour, shard)


SOURCE = told((at(1), 10), (at(2), 20))
WHOLE = {
    A: told((at(1), 10)),
    B: told((at(1), 10)),
    C: told((at(2), 20)),
    D: told((at(2), 20)),
}


def verified(source: Told, targets: dict[HostId, Told], *aggregates: AggregateCheck) -> Verification:
    compared = compare("t", source, targets, SHARDS)
    figures = totals("t", source, targets, SHARDS, compared)
    failures = [
        Failure(host, "t", key, why) for host, each in targets.items() for key, why in each.failed.items()
    ]
    return Verification(tuple(compared), aggregates, (figures,), tuple(failures), {}, {A: "26.9"}, None)


def states(found: Verification) -> dict[HostId, State]:
    return {each.host: each.state for each in found.compared}
