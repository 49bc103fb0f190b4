"""What tests on the replicated rig share: profiles that lead to it, and a Replicated table on all its servers."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest

from chtui.profile.endpoint import Endpoint
from chtui.profile.options import Effective
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.server_config import CLUSTER
from tests.support import effective

DATABASE = "chtui_tests"


def effective_of(cluster: ReplicatedCluster, user: str = "oncall", **changes: Any) -> Effective:
    """Settings that lead to the whole rig as `user`; `changes` are fields of the profile."""
    nodes, ports = cluster.servers.nodes, cluster.http_ports
    addresses = {
        f"{node.host}:{node.tcp_port}": f"{node.host}:{port}" for node, port in zip(nodes, ports, strict=True)
    }
    fields: dict[str, Any] = {
        "seeds": tuple(Endpoint("127.0.0.1", port) for port in ports),
        "http_addresses": MappingProxyType(addresses),
        **changes,
    }
    return effective(user, cluster.servers.passwords[user], **fields)


@pytest.fixture
def replicated_table(replicated_cluster: ReplicatedCluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """`database.table` of a Replicated table on every server, dropped at the end."""
    servers, name = (
        replicated_cluster.servers,
        f"{DATABASE}.{request.node.originalname.removeprefix('test_')}",
    )
    servers.sql_on_cluster(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ON CLUSTER {CLUSTER}")
    servers.sql_on_cluster(
        f"CREATE TABLE {name} ON CLUSTER {CLUSTER} (day Date, key UInt64) "
        f"ENGINE = ReplicatedMergeTree('/clickhouse/tables/{{shard}}/{name}', '{{replica}}') "
        "PARTITION BY toYYYYMM(day) ORDER BY key"
    )
    yield name
    replicated_cluster.heal()
    servers.sql_on_cluster(f"DROP TABLE {name} ON CLUSTER {CLUSTER}")
