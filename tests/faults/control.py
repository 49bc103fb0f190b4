"""The control of the fault matrix: the plan's own script, struck where the migration is struck. Its rows must not come out right.

v2 is made by chtui, so that nothing but the way of copying differs; the script writes to Distributed tables over the same rows.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from chtui.demo.selftest.case import OUTPUT, Case
from chtui.demo.selftest.cases import MODERN, Fault
from chtui.demo.selftest.oracle import CLICKS_V2, EVENTS_V2, Query, clean, findings, prepare, rows_of
from chtui.demo.selftest.points import SHARDS, SOURCE, TARGET, TARGETS, WIZARD, Blow
from chtui.demo.selftest.rig import FaultRig
from chtui.demo.selftest.supervisor import Supervisor
from chtui.demo.selftest.verdicts import EXACT, Verdict
from chtui.migrate import ddl, schema
from chtui.migrate.traits import traits_of
from tests.rigs.faults_script import AS_WRITTEN, COPY, DISTRIBUTED, REMEMBERS, RUNNING, STOPS
from tests.support import CLUSTER

GROUP = "control"
WRONG = "wrong"
SKIP = 1
"""It is struck in its second month."""
QUIET_SECONDS = 2.0
"""How long no row must arrive before what arrived is compared."""
RETRY_SECONDS = 35.0
"""As long where Distributed tables cannot be told to deliver: they try again after 30 s at the latest. Source:
`distributed_directory_monitor_max_sleep_time_ms`."""
ARRIVE_SECONDS = 120.0
BLOWS = (
    (WIZARD, "before", False),
    (WIZARD, "sent", False),
    (WIZARD, RUNNING, False),
    (WIZARD, "done", False),
    (SOURCE, "sent", False),
    (SOURCE, RUNNING, False),
    (SOURCE, "done", False),
    (TARGET, "sent", False),
    (TARGET, RUNNING, False),
    (TARGET, "done", False),
    (TARGET, "sent", True),
)


class Control(NamedTuple):
    """One case of the control."""

    way: str
    victim: str
    point: str
    is_hung: bool

    @property
    def name(self) -> str:
        """Its name in the results."""
        return f"control/{self.way}/{self.victim or 'nobody'}/{self.point or 'calm'}{'_hung' * self.is_hung}"


def all_cases() -> list[Control]:
    """Return every case: each way of the script alone, and struck."""
    ways = (AS_WRITTEN, STOPS, REMEMBERS)
    return [
        *(Control(way, "", "", False) for way in ways),
        *(Control(way, *blow) for way in ways for blow in BLOWS),
    ]


def carry_out(rig: FaultRig, control: Control, directory: Path) -> Verdict:
    """Run the script through its fault, compare every replica's rows with v1's, and leave nothing on the rig."""
    rig.heal()
    fault = Fault(
        control.name, GROUP, (control.victim,) if control.victim else (), COPY, control.point, control.is_hung
    )
    blows: list[Blow] = []
    if control.victim:
        number = signal.SIGSTOP if control.is_hung else signal.SIGKILL
        blows = [Blow(COPY, control.point, SKIP, rig.pids(control.victim, TARGETS[-1]), number)]
    name = control.name.replace("control", "c").replace("/", "_")
    case = rig.case(directory, name, blows=tuple(blows))
    prepare(case, rig.query)
    make_v2(case, rig.query)
    supervisor = Supervisor(rig, fault, case, 0.0, blows, lambda: start(case, control.way))
    began = time.monotonic()
    supervisor.carry_out()
    seconds = time.monotonic() - began
    rig.heal()
    until_quiet(case, rig.query, deliver(case, rig) if control.victim in (SOURCE, TARGET) else QUIET_SECONDS)
    found = findings(case, rig.query, SHARDS)
    clean(case, rig.query, 4)
    return Verdict(
        case=f"{rig.name}/{control.name}",
        rig=rig.name,
        version=rig.version(),
        group=GROUP,
        stage=control.way,
        kind=COPY,
        point=control.point,
        victim=fault.victim or "nobody",
        is_hung=control.is_hung,
        struck=supervisor.struck,
        seconds=round(seconds, 2),
        starts=supervisor.starts,
        missing=found.missing,
        extra=found.extra,
        aggregates=found.aggregates,
        left_over=len(found.left_over),
        manual_steps=len(supervisor.ends),
        verdict=EXACT if found.is_exact else WRONG,
    )


def make_v2(case: Case, query: Query) -> None:
    """Make v2 as a migration does, and the Distributed tables the script writes to, on its server."""
    hosts, spec = case.hosts(), case.spec()
    schema.ensure(hosts.targets, ddl.objects(spec, traits=traits_of(hosts.targets)))
    for host in hosts.everyone:
        host.close()
    v2 = case.target_database
    for table, key in DISTRIBUTED.items():
        engine = f"Distributed({CLUSTER}, {v2}, {table}_local, {key})"
        query(0, f"CREATE TABLE {v2}.{table}_plan AS {v2}.{table}_local ENGINE = {engine}")


class Script(subprocess.Popen[bytes]):
    """The script, as who stands beside it knows a process."""

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.send_signal(number)

    def kill(self) -> None:
        """Kill it and wait until it is gone."""
        super().kill()
        self.wait()


def start(case: Case, way: str) -> Script:
    """Start the script, or start it again."""
    folder = case.write()
    with (folder / OUTPUT).open("ab") as output:
        command = [sys.executable, "-m", "tests.rigs.faults_script", str(folder), way]
        return Script(command, stdout=output, stderr=output)


def deliver(case: Case, rig: FaultRig) -> float:
    """Have rows that wait in a Distributed table delivered; return how long to wait for them then."""
    if rig.name != MODERN:
        return RETRY_SECONDS
    for table in DISTRIBUTED:
        rig.query(0, f"SYSTEM FLUSH DISTRIBUTED {case.target_database}.{table}_plan")
    return QUIET_SECONDS


def until_quiet(case: Case, query: Query, seconds: float) -> None:
    """Wait until no row has arrived for so long."""
    last: list[int] = []
    since, until = time.monotonic(), time.monotonic() + ARRIVE_SECONDS
    while time.monotonic() < min(since + seconds, until):
        now = [
            rows_of(query, server, statement, case.target_database).total()
            for shard in SHARDS
            for server in shard
            for statement in (EVENTS_V2, CLICKS_V2)
        ]
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.2)
