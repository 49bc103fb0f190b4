"""A whole migration into Replicated tables by the command line alone, through kills: name this file to pytest to run it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import findings, prepare
from chtui.demo.selftest.points import SHARDS
from chtui.migrate import spec_write
from chtui.migrate.spec import Hook
from tests.engine.commands import Command, command
from tests.engine.moving import Services
from tests.engine.walking import Walk
from tests.faults.living import TABLES, assert_exact
from tests.replication.test_migration_faults import gone
from tests.rigs.faults_rigs import asking, replicated_case
from tests.rigs.fixtures import ReplicatedCluster
from tests.rigs.migrating import Case
from tests.rigs.server_config import CLUSTER
from tests.rigs.writing import Query, writing
from tests.support import wait_until

SECONDS = 400.0
LATENESS_SECONDS = 40.0
"""Rows are 3 s late, and 18.16's Distributed tables pause up to 30 s after a server was killed."""
BACK = {"kind": "transform(toString(kind), ['red', 'green', 'blue'], ['Red', 'GREEN', 'blue'])"}


def profile(chtui: Command, cluster: ReplicatedCluster, case: Case) -> None:
    """Write a profile of the rig's administrator."""
    hosts = ", ".join(f'"127.0.0.1:{port}"' for port in cluster.http_ports)
    addresses = "\n".join(f'"{host}" = "{address}"' for host, address in case.addresses.items())
    chtui.config(
        f'version = 1\n[profile.rig]\nhosts = [{hosts}]\ncluster = "{CLUSTER}"\nuser = "admin"\n'
        f'password_file = "{chtui.password_file(case.password)}"\n[profile.rig.http_addresses]\n{addresses}\n'
    )


@contextmanager
def reading(case: Case, query: Query) -> Iterator[Services]:
    """A reader that is moved by hooks."""
    failures: list[str] = []

    def read(version: str) -> None:
        database = case.source_database if version == "v1" else case.target_database
        try:
            query(0 if version == "v1" else 2, f"SELECT count(), max(value) FROM {database}.events")
        except Exception as error:  # noqa: BLE001 - a server that was killed: whatever the client calls that
            failures.append(f"{type(error).__name__}: {error}")

    with Services(read, lambda *_: None) as services:
        yield services


def written(case: Case, services: Services, path: Path) -> Path:
    """The case's spec with every hook and a way back, as a file."""
    spec = case.spec()
    reads: dict[str, Hook] = {name: hook for name, hook in services.hooks.items() if name.startswith("reads")}
    tables = tuple(
        replace(table, sources=tuple(replace(source, inverse=BACK) for source in table.sources))
        if table.name == "events"
        else table
        for table in spec.tables
    )
    retention = replace(spec.retention, lateness_seconds=LATENESS_SECONDS)
    wanted = replace(spec, tables=tables, hooks={**spec.hooks, **reads}, retention=retention)
    path.write_text(spec_write.written(wanted))
    return path


@pytest.mark.timeout(1800)
def test_every_step_is_a_command(replicated_cluster: ReplicatedCluster, tmp_path: Path) -> None:
    rig = replicated_cluster
    case, query = replicated_case(rig, tmp_path, "rcmd"), asking(rig)
    prepare(case, query)
    with (
        command() as chtui,
        writing(case, query, 4) as writers,
        reading(case, query) as services,
    ):
        profile(chtui, rig, case)
        run = Walk(chtui, ("-C", "rig"), written(case, services, chtui.home / "spec.toml"), case.name)
        checked = run("preflight", str(run.spec))
        assert checked.code == 0, checked.out
        assert json.loads(run("plan", str(run.spec), "--json").out)["flavour"] == "replicated"
        with run.under_way():
            wait_until(lambda: run.facts.proven, SECONDS, "a cell")
            run.kill()
            wait_until(lambda: run.facts.watermarks, SECONDS, "watermarks")
            for index in (0, 1, 3):
                rig.servers.kill(rig.servers.nodes[index])
                rig.heal()
            rig.zookeeper.leader().process.kill()
            rig.heal()
            wait_until(lambda: set(run.facts.sealed) == TABLES, SECONDS, "the seal")
            run.kill()
            wait_until(lambda: run.facts.report is not None, SECONDS, "the report")
            run.there_and_back()
            assert_exact(case, query, writers, SECONDS)
            run.is_verified()
            assert run("abort", case.name).code == 0
        assert findings(case, query, SHARDS).is_exact
    gone(rig, case)
