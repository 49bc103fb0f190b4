"""A small migration as a process of its own, which a test may kill, or have kill others, at a point of its journal.

Faults enter here: what stands between the run and its journal fires them. The product knows nothing of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from chtui.clock import SystemClock
from chtui.errors import ChtuiError
from chtui.migrate import layout, plan, run, spec_file
from chtui.migrate.hosts import Hosts, connect
from chtui.migrate.journal import Journal
from chtui.migrate.layout import Ground
from chtui.migrate.spec import DdlMode, Flavour, Spec
from chtui.profile.endpoint import Endpoint
from chtui.records import HostId
from tests.support import effective

SPEC = Path(__file__).with_name("migrating.toml")
STAGES = ("snapshot", "link", "stage", "copy", "assemble", "states", "publish", "publish states", "drop")
"""The kinds of statements of a run, in their order."""
POINTS = ("before", "sent", "done")
"""Before the intent is written; when it is written and nothing has happened; when it has happened and nobody knows yet."""
SEND, DONE = "send", "done"


@dataclass(frozen=True)
class Case:
    """One run on a rig, and what befalls it."""

    name: str
    directory: str
    addresses: dict[str, str]
    seeds: list[int]
    """HTTP ports."""
    source_port: int
    user: str
    password: str
    flavour: str = "plain"
    ddl: str = "per_host"
    source_cluster: str = "otel_v1"
    stage: str = ""
    """Where the fault strikes; empty for none."""
    point: str = ""
    skip: int = 0
    """How many such points are passed over first."""
    pid: int = 0
    """Whom it strikes; 0 for the process itself."""
    signal: int = 9

    @property
    def source_database(self) -> str:
        return f"{self.name}_v1"

    @property
    def target_database(self) -> str:
        return f"{self.name}_v2"

    @property
    def fired(self) -> Path:
        """Made when the fault has struck; it strikes once."""
        return Path(self.directory) / "fired"

    def start(self) -> subprocess.Popen[bytes]:
        """Begin the run, or go on with it, as a process."""
        folder = Path(self.directory)
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "case.json"
        config.write_text(json.dumps(asdict(self)))
        with (folder / "output.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.rigs.migrating", str(config)], stdout=output, stderr=output
            )

    def output(self) -> str:
        """What its processes printed."""
        return (Path(self.directory) / "output.log").read_text()

    def spec(self) -> Spec:
        """What it migrates."""
        found = spec_file.read(SPEC)
        source = replace(
            found.source,
            host=HostId("127.0.0.1", self.source_port),
            database=self.source_database,
            cluster=self.source_cluster,
        )
        target = replace(
            found.target,
            database=self.target_database,
            flavour=Flavour(self.flavour),
            ddl=DdlMode(self.ddl),
            keeper_path="/clickhouse/tables/{shard}/{database}/{table}",
        )
        return replace(found, source=source, target=target)

    def hosts(self) -> Hosts:
        """The servers, asked as its process asks them."""
        found = effective(
            self.user,
            self.password,
            seeds=tuple(Endpoint("127.0.0.1", port) for port in self.seeds),
            http_addresses=self.addresses,
        )
        spec = self.spec()
        return connect(found.profile, spec.target.cluster, spec.source.host)


class FaultyJournal:
    """A journal at one line of which a signal is sent."""

    def __init__(self, journal: Journal, case: Case) -> None:
        self._journal = journal
        self._case = case
        self._left = case.skip
        self._stages: dict[str, str] = {}

    def append(self, kind: str, facts: Mapping[str, Any]) -> int:
        """Write the line down; strike before or after it, where the case says so."""
        query_id = str(facts.get("query_id", ""))
        if kind == SEND:
            self._stages[query_id] = stage_of(str(facts["statement"]))
        stage = self._stages.get(query_id, "")
        before = {SEND: "before", DONE: "done"}.get(kind, "")
        if before:
            self._strike(stage, before)
        number = self._journal.append(kind, facts)
        if kind == SEND:
            self._strike(stage, "sent")
        return number

    def _strike(self, stage: str, point: str) -> None:
        if (stage, point) != (self._case.stage, self._case.point) or self._case.fired.exists():
            return
        if self._left:
            self._left -= 1
            return
        self._case.fired.write_text(f"{stage} {point}")
        os.kill(self._case.pid or os.getpid(), self._case.signal)


def stage_of(statement: str) -> str:
    """Return which stage of a run a statement belongs to."""
    words = statement.split()
    named = words[5] if words[:2] == ["CREATE", "TABLE"] and words[2] == "IF" else words[2]
    states, v1 = "_agg" in named, "_v1_" in named
    if words[0] == "CREATE":
        return "snapshot" if v1 else "stage"
    if words[0] == "INSERT":
        return "states" if states else "copy"
    if words[0] == "DROP":
        return "drop"
    if "ATTACH" in words:
        return "assemble"
    if v1:
        return "link"
    return "publish states" if "daily" in named else "publish"


def main() -> int:
    """Carry the case out; its plan is kept, so that the next process goes on with the same one."""
    told = json.loads(Path(sys.argv[1]).read_text())
    case = Case(**told)
    folder = Path(case.directory)
    clock = SystemClock()
    try:
        ground = layout.lay_out(case.spec(), case.hosts())
        kept = folder / "plan.json"
        if not kept.exists():
            whole = folder / "plan.new"
            whole.write_text(json.dumps(plan.to_document(ground, clock)))
            whole.rename(kept)
        document = json.loads(kept.read_text())
        ground = Ground(ground.spec, ground.hosts, plan.layout_of(document, ground.spec), ground.shapes)
        run.open_and_carry_out(
            case.name,
            document["hash"],
            ground,
            clock,
            directory=folder / "run",
            wrapped=lambda journal: FaultyJournal(journal, case),
        )
    except ChtuiError as error:
        print(error.line, flush=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
