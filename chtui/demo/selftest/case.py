"""One run on a rig and what befalls it; and the process that carries it out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib.resources import as_file, files
from pathlib import Path

from chtui.demo import reach
from chtui.demo.options import HOST, SOURCE_CLUSTER
from chtui.demo.process import Child
from chtui.demo.selftest.points import Blow
from chtui.migrate import hosts, spec_file, spec_write
from chtui.migrate.hosts import Hosts
from chtui.migrate.spec import Spec
from chtui.paths import private_dir, write_private
from chtui.records import HostId

CASE, SPEC, OUTPUT = "case.json", "spec.toml", "output.log"
"""What is in a case's folder, beside the plan."""
RUN = "run"
"""The folder in it of the run's journal and socket."""
MODULE = "chtui.demo.selftest.process"


class RunProcess(Child):
    """A process of a run."""

    def wait(self, seconds: float) -> int:
        """Wait for its end and return the exit code (negative: the signal).

        Raises:
            subprocess.TimeoutExpired: it did not end in time.
        """
        return self._popen.wait(seconds)


@dataclass(frozen=True)
class Case:
    """One run on a rig, and what befalls it."""

    name: str
    """The run's, and the beginning of its databases' names."""
    directory: str
    """Where its processes and the one that starts them keep what they know of each other."""
    addresses: dict[str, str]
    """Each host's HTTP address by its native one."""
    seeds: list[int]
    """HTTP ports."""
    source_port: int
    """The native port of v1's host."""
    user: str
    password: str
    lock: str = ""
    """A lock file its process holds, so that whoever cleans up finds it; empty for none."""
    blows: Sequence[Blow] = ()
    """All that befalls it, in order, in one process or a later one."""

    @property
    def source_database(self) -> str:
        """v1."""
        return f"{self.name}_v1"

    @property
    def target_database(self) -> str:
        """v2."""
        return f"{self.name}_v2"

    @property
    def fired(self) -> Path:
        """Made when a blow has struck; a line each."""
        return Path(self.directory) / "fired"

    @property
    def struck(self) -> int:
        """How many of its blows have struck."""
        return len(self.fired.read_text().splitlines()) if self.fired.exists() else 0

    def start(self) -> RunProcess:
        """Begin the run, or go on with it, as a process that ends when this one does.

        Raises:
            OSError: its folder cannot be written to.
        """
        folder = self.write()
        return RunProcess(MODULE, str(folder), output=folder / OUTPUT)

    def write(self) -> Path:
        """Write down what its process must know; return the folder, which is made.

        Raises:
            OSError: it cannot be written to.
        """
        folder = private_dir(Path(self.directory))
        # Only what its process reads: a case may know more than that.
        told = {field.name: getattr(self, field.name) for field in fields(Case)}
        told["blows"] = [asdict(blow) for blow in self.blows]
        write_private(folder / CASE, json.dumps(told))
        write_private(folder / SPEC, spec_write.written(self.spec()))
        return folder

    def output(self) -> str:
        """What its processes printed."""
        return (Path(self.directory) / OUTPUT).read_text(errors="replace")

    def spec(self) -> Spec:
        """What it migrates."""
        with as_file(files("chtui.sql") / "demo" / "selftest.toml") as path:
            found = spec_file.read(path)
        source = replace(
            found.source,
            host=HostId(HOST, self.source_port),
            database=self.source_database,
            cluster=SOURCE_CLUSTER,
        )
        return replace(found, source=source, target=replace(found.target, database=self.target_database))

    def hosts(self) -> Hosts:
        """Return the servers, asked as its process asks them.

        Raises:
            UnreachableError: none of them answers.
        """
        return self.hosts_of(self.spec())

    def hosts_of(self, spec: Spec) -> Hosts:
        """Return the servers of a spec.

        Raises:
            UnreachableError: none of them answers.
        """
        cluster = spec.target.cluster
        profile = reach.profile(
            "selftest", cluster, self.seeds, self.addresses, user=self.user, password=self.password
        )
        return hosts.connect(profile, cluster, spec.source.host)


def read(folder: Path) -> tuple[Case, Spec]:
    """Return the case in a folder and what it migrates, as `start` wrote them.

    Raises:
        OSError, ValueError, TypeError: there is none, or it was not written by `start`.
        SpecError: the spec cannot be used.
    """
    told = json.loads((folder / CASE).read_text(encoding="utf-8"))
    told["blows"] = tuple(Blow(**blow) for blow in told["blows"])
    return Case(**told), spec_file.read(folder / SPEC)
