"""What tests of the lease on both engines share: operators, races, a holder in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from chtui.clock import SystemClock
from chtui.errors import MigrateError
from chtui.fleet.driver import Driver
from chtui.migrate.hosts import Host
from chtui.migrate.lease import Lease
from chtui.migrate.lease_records import Journalist, Taken
from chtui.profile.endpoint import Endpoint
from chtui.profile.model import Credentials, Tls
from chtui.profile.secret import Secret
from chtui.records import HostId

DATABASE = "leases"


class Server(NamedTuple):
    """One server that keeps leases."""

    http_port: int
    password: str
    """Of `admin`."""
    query: Callable[[str], str]
    """Runs a statement as `admin`."""

    def host(self) -> Host:
        """The server, on connections of its own."""
        return Host(HostId("127.0.0.1", self.http_port), 1, self._connect)

    def lease(
        self, run: str, name: str = "anna", *, ttl_seconds: int = 60, host: Host | None = None
    ) -> Lease:
        """The lease of a run, as the operator of that name sees it; each has a journal of their own."""
        me = Journalist(f"{name}@here pid 1", "here", f"/journals/{name}")
        return Lease(host or self.host(), DATABASE, run, me, SystemClock(), ttl_seconds=ttl_seconds)

    def _connect(self) -> Driver:
        return Driver(
            Endpoint("127.0.0.1", self.http_port),
            Credentials("admin", Secret.literal(self.password, "test")),
            Tls(),
            connect_seconds=3.0,
            seconds=8.0,
            ping_first=True,
        )


def prepared(server: Server) -> Server:
    """The same server, with an empty database for leases."""
    server.query(f"DROP DATABASE IF EXISTS {DATABASE}")
    server.query(f"CREATE DATABASE {DATABASE}")
    return server


def refusal(call: Callable[[], object], exit_code: int) -> MigrateError:
    """The error a call ends with."""
    with pytest.raises(MigrateError) as refused:
        call()
    assert refused.value.exit_code == exit_code, refused.value.line
    assert refused.value.fix
    assert "\n" not in refused.value.line
    return refused.value


def race(leases: Sequence[Lease], take: Callable[[Lease], Taken]) -> list[Taken | MigrateError]:
    """What each operator got who tried at the same moment."""
    barrier = threading.Barrier(len(leases))
    results: list[Taken | MigrateError] = []

    def run(lease: Lease) -> None:
        barrier.wait()
        try:
            results.append(take(lease))
        except MigrateError as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(lease,)) for lease in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def races(server: Server, rounds: int) -> Counter[str]:
    """Let three operators race for generation after generation, and return how their rounds ended."""
    hosts = [server.host() for _ in range(3)]
    ended: Counter[str] = Counter()
    for number in range(1, rounds + 1):
        leases = [server.lease("race", f"op{index}-{number}", host=host) for index, host in enumerate(hosts)]
        results = race(leases, lambda lease: lease.acquire(20))
        winners = [result for result in results if isinstance(result, Taken)]
        losers = [result for result in results if isinstance(result, MigrateError)]
        assert [taken.generation for taken in winners] == [number], [loser.line for loser in losers]
        assert {loser.exit_code for loser in losers} == {4}, [loser.line for loser in losers]
        for lease in leases:
            if lease.generation:
                assert lease.check().highest == number
                lease.release()
                ended["won"] += 1
            else:
                refusal(lease.check, 4)
        ended.update("faster" if "was faster" in loser.what else "held" for loser in losers)
    for host in hosts:
        host.close()
    return ended


HOLDER = """
import os, signal, sys
from pathlib import Path
from chtui.errors import MigrateError
from tests.engine.leases import Server
from chtui.clock import SystemClock
from chtui.migrate.lease import Lease
from chtui.migrate.lease_records import myself

class Stopped(Lease):
    late = False

    def _state(self, *args):
        state = super()._state(*args)
        if self.late:
            os.kill(os.getpid(), signal.SIGSTOP)
        return state

    def check_late(self):
        self.late = True
        return self.check(60)

port, run, ttl, journal = sys.argv[1:]
host = Server(int(port), sys.stdin.readline().strip(), print).host()
lease = Stopped(host, "leases", run, myself(Path(journal)), SystemClock(), ttl_seconds=int(ttl))
for line in sys.stdin:
    try:
        found = getattr(lease, line.strip())()
        print("done", getattr(found, "generation", lease.generation), flush=True)
    except MigrateError as error:
        print("error", error.exit_code, error.what, flush=True)
"""


class Holder:
    """An operator in a process of its own, told what to do line by line."""

    def __init__(self, server: Server, run: str, ttl_seconds: int, journal: str = "/journals/holder") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(server.http_port), run, str(ttl_seconds), journal],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        self.tell(server.password)

    def tell(self, word: str) -> None:
        """Send a line without waiting for what comes of it."""
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """Return how the last command ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def does(self, word: str) -> str:
        """Do one thing and return how it ended."""
        self.tell(word)
        return self.answer()

    @property
    def is_stopped(self) -> bool:
        """Whether it has stopped, by itself or by a signal."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii", errors="replace")
        return stat.rpartition(")")[2].split()[0] == "T"

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def holding(server: Server, run: str, ttl_seconds: int) -> Iterator[Holder]:
    """An operator in another process who has the lease."""
    holder = Holder(server, run, ttl_seconds)
    try:
        assert holder.does("acquire") == "done 1"
        yield holder
    finally:
        holder.signal(signal.SIGCONT)
        holder.end()
