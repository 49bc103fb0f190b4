"""A whole migration into Replicated tables by the command line alone, through kills: name this file to pytest to run it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import findings, prepare
from chtui.demo.selftest.points import SHARDS
from chtui.errors import MigrateError
from chtui.migrate import facts, journal, spec_write
from chtui.migrate.facts import Facts
from chtui.migrate.spec import Hook
from tests.engine.commands import Command, Done, command
from tests.engine.moving import Services
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
FINDING = re.compile(r"not possible yet: ((?:[a-z]+ )+?on [0-9.]+:[0-9]+|[^:]*):")
BACK = {"kind": "transform(toString(kind), ['red', 'green', 'blue'], ['Red', 'GREEN', 'blue'])"}


class Walk:
    """One run, and the process that carries it out."""

    def __init__(self, chtui: Command, spec: Path, name: str) -> None:
        self.chtui, self.spec, self.name = chtui, spec, name
        self.process: subprocess.Popen[str] | None = None

    def __call__(self, verb: str, *arguments: str, seconds: float = 120) -> Done:
        return self.chtui("-C", "rig", "migrate", verb, *arguments, seconds=seconds)

    @property
    def facts(self) -> Facts:
        """What its journal comes to."""
        try:
            _, events = journal.read(
                self.name, directory=self.chtui.home / "state" / "chtui" / "migrate" / self.name
            )
        except MigrateError:
            return Facts()  # it is not begun yet
        return facts.of(events)

    def go_on(self) -> None:
        """Begin, or go on; what it says is in a file."""
        with (self.chtui.home / "output").open("a") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "chtui",
                    "-C",
                    "rig",
                    "migrate",
                    "run",
                    str(self.spec),
                    "--run",
                    self.name,
                    "--yes",
                ],
                env=self.chtui.environment(),
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """End its process as nothing else can, and begin the next one."""
        assert self.process is not None
        assert self.process.poll() is None, (self.chtui.home / "output").read_text()[-2000:]
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self.go_on()

    def moved(self, verb: str, version: str) -> None:
        """Have readers moved, with every finding accepted that is of people, not of rows."""
        for _ in range(12):
            done = self(verb, self.name)
            if done.code == 0:
                break
            found = FINDING.search(done.err)
            assert found is not None, done
            assert found[1].startswith(("query ", "grant ", "user ", "profile ")), done.err
            self("accept", self.name, found[1])
        wait_until(lambda: self.facts.reads == version, 90, f"readers on {version}")

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """It is begun, and ended at the end."""
        self.go_on()
        try:
            yield
        finally:
            if self.process is not None:
                self.process.kill()
                self.process.wait(10)
            print((self.chtui.home / "output").read_text())


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
        run = Walk(chtui, written(case, services, chtui.home / "spec.toml"), case.name)
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
            run.moved("cutover", "v2")
            run.moved("rollback", "v1")
            run.moved("cutover", "v2")
            told = json.loads(run("status", case.name, "--json").out)
            assert (told["reads"], told["dual_write"], told["report"]["is_proof"]) == ("v2", True, True)
            assert_exact(case, query, writers, SECONDS)
            verified = run("verify", str(run.spec), "--run", case.name)
            assert verified.code == 0, verified
            assert verified.out.splitlines()[-1] == "verdict: equal"
            assert run("abort", case.name).code == 0
        assert findings(case, query, SHARDS).is_exact
    gone(rig, case)
