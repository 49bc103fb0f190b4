"""More of a preflight on the replicated cluster, for which `make test` has no time: name this file to pytest to run it."""

from __future__ import annotations

from chtui.migrate import schema
from chtui.migrate.ddl import objects
from chtui.migrate.preflight import Kind
from chtui.migrate.traits import traits_of
from tests.engine.planting import found
from tests.replication import test_migrate_preflight
from tests.replication.test_migrate_preflight import BLOCKER, Rig
from tests.support import wait_until

rig = test_migrate_preflight.rig


def test_replicas_that_cannot_be_written(rig: Rig) -> None:
    schema.ensure(rig.hosts.targets, objects(rig.spec, traits=traits_of(rig.hosts.targets)))
    rig.cluster.zookeeper.lose_quorum()
    readonly = (
        f"SELECT count() FROM system.replicas WHERE database = '{rig.spec.target.database}' AND is_readonly"
    )
    wait_until(
        lambda: all(int(rig.query(index, readonly)) == 2 for index in range(4)), 60, "read-only replicas"
    )
    report = rig.look()
    assert len(found(report, Kind.REPLICA, BLOCKER, "spans_local")) == 4
    assert len(found(report, Kind.UNCHECKED, BLOCKER, "Keeper")) == 4
