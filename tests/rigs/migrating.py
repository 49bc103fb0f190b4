"""A small migration as a process of its own, which a test may kill, or have kill others, at a point of its journal.

Faults enter here: what stands between the run and its journal fires them. The product knows nothing of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from chtui.clock import SystemClock
from chtui.errors import ChtuiError
from chtui.migrate import layout, plan, process, spec_file
from chtui.migrate.hosts import Hosts, connect
from chtui.migrate.journal import Journal
from chtui.migrate.layout import Ground
from chtui.migrate.spec import DdlMode, Flavour, Hook, Spec
from chtui.profile.endpoint import Endpoint
from chtui.records import HostId
from tests.support import effective

SPEC = Path(__file__).with_name("migrating.toml")
STAGES = ("snapshot", "link", "stage", "copy", "assemble", "states", "publish", "publish states", "drop")
"""The kinds of statements of a run once there is a schema, in their order."""
SCHEMA, SEAL = "schema", "seal"
"""Those before, each of which makes an object of v2; and those after, which let a table's name lead to its rows."""
POINTS = ("before", "sent", "done")
"""Before the intent is written; when it is written and nothing has happened; when it has happened and nobody knows yet."""
SEND, DONE = "send", "done"
SEALED = "_sealed`"
"""What the name of a table's successor ends with while names change."""
HOOKS = ("dual_write_on", "dual_write_off", "pause_writers", "resume_writers")
LATENESS_SECONDS = 4.0
"""How late writers of a rig may be."""


@dataclass(frozen=True)
class Blow:
    """A signal sent at a point of the journal."""

    stage: str
    point: str
    skip: int = 0
    """How many such points are passed over first."""
    pids: Sequence[int] = (0,)
    """Whom it strikes, all at once; 0 for the process itself, which comes last."""
    signal: int = 9
    host: str = ""
    """Only statements for this host count; empty for all."""


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
    hooks_url: str = ""
    """Where writers are switched, paused and resumed; empty for none, and a v1 that is still."""
    hooks: Sequence[str] = HOOKS
    stage: str = ""
    """Where the fault strikes; empty for none."""
    point: str = ""
    skip: int = 0
    """How many such points are passed over first."""
    pid: int = 0
    """Whom it strikes; 0 for the process itself."""
    signal: int = 9
    more: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """Blows that follow, one after another, in this process or a later one; as `asdict` gives them."""

    @property
    def blows(self) -> list[Blow]:
        """All that befalls it, in order."""
        first = [Blow(self.stage, self.point, self.skip, (self.pid,), self.signal)] if self.stage else []
        return [*first, *(Blow(**told) for told in self.more)]

    @property
    def source_database(self) -> str:
        return f"{self.name}_v1"

    @property
    def target_database(self) -> str:
        return f"{self.name}_v2"

    @property
    def fired(self) -> Path:
        """Made when a blow has struck; a line each."""
        return Path(self.directory) / "fired"

    @property
    def struck(self) -> int:
        """How many of its blows have struck."""
        return len(self.fired.read_text().splitlines()) if self.fired.exists() else 0

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
        if not self.hooks_url:
            return replace(found, source=source, target=target)
        tables = found.tables
        if target.flavour is Flavour.REPLICATED:
            # 18.16 cannot write through a Distributed table that has MATERIALIZED columns.
            events = {**tables[0].columns, "size": "UInt64 ALIAS length(id)"}
            tables = (replace(tables[0], columns=events), *tables[1:])
        return replace(
            found,
            source=source,
            target=target,
            tables=tables,
            hooks={name: Hook(url=f"{self.hooks_url}/{name}", body="{}") for name in self.hooks},
            limits=replace(found.limits, watermark_after_seconds=4.0, watermark_align_seconds=1),
            retention=replace(found.retention, lateness_seconds=LATENESS_SECONDS),
        )

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


class Faults:
    """Sends the signals of a case, each at its point, over all processes of the case once."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._lock = threading.Lock()
        self._passed = 0

    def reach(self, stage: str, point: str, host: str = "") -> None:
        """Strike where this is the point of the blow whose turn it is."""
        with self._lock:
            blows, struck = self._case.blows, self._case.struck
            if struck >= len(blows):
                return
            blow = blows[struck]
            if (stage, point) != (blow.stage, blow.point) or (blow.host and blow.host != host):
                return
            self._passed += 1
            if self._passed <= blow.skip:
                return
            self._passed = 0
            with self._case.fired.open("a") as fired:
                fired.write("\n" * bool(struck) + f"{stage} {point}")
            for pid in sorted(blow.pids, reverse=True):
                os.kill(pid or os.getpid(), blow.signal)


class FaultyJournal:
    """A journal at some lines of which signals are sent."""

    def __init__(self, journal: Journal, case: Case) -> None:
        self._journal = journal
        self._faults = Faults(case)
        self._sent: dict[str, tuple[str, str]] = {}
        self._made: tuple[str, str, str] | None = None
        """The point when an object of the schema that was begun is done, which shows at the next line."""

    def append(self, kind: str, facts: Mapping[str, Any]) -> int:
        """Write the line down; strike before or after it, where the case says so."""
        query_id, host = str(facts.get("query_id", "")), str(facts.get("host", ""))
        if self._made:
            self._faults.reach(*self._made)
            self._made = None
        if kind == SEND:
            self._sent[query_id] = (stage_of(str(facts["statement"])), host)
        if kind == SCHEMA:
            stage = SEAL if SEALED in str(facts["statement"]) else SCHEMA
        else:
            stage, host = self._sent.get(query_id, ("", host))
        if kind in (SEND, SCHEMA):
            self._faults.reach(stage, "before", host)
        elif kind == DONE:
            self._faults.reach(stage, "done", host)
        number = self._journal.append(kind, facts)
        if kind not in (SEND, DONE, SCHEMA):
            # Events that no statement stands for: what a live run has come to.
            self._faults.reach(str(facts.get("name", kind)) if kind == "hook" else kind, "event")
        if kind in (SEND, SCHEMA):
            self._faults.reach(stage, "sent", host)
        if kind == SCHEMA:
            self._made = (stage, "done", host)
        return number


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
        process.open_and_carry_out(
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
