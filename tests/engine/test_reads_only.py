"""Until armed nothing but reads is ever sent, save the KILL QUERY of a query of chtui's own; seen by the driver and by the servers."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from chtui import sql
from chtui.act.arming import Arming
from chtui.act.audit import Audit
from chtui.act.executor import Executor
from chtui.act.kill import Candidate, kill_plan
from chtui.clock import SystemClock
from chtui.errors import UsageError
from chtui.fleet.driver import Driver
from chtui.fleet.pool import OneConnectionPool
from chtui.profile.options import Effective
from chtui.records import HostState
from chtui.session import Session, Watch
from tests.engine.fleets import EVERYTHING, Logged, ids, query_log
from tests.engine.killing import Watcher, executor_of
from tests.faults.test_hosts import SlowedForwarder
from tests.faults.watching import status
from tests.support import CLUSTER, ModernRig, fast, started, wait_until

READS = re.compile(r"\s*(SELECT|WITH|SHOW|EXISTS|DESCRIBE|CHECK GRANT)\b")
READ_KINDS = {"Select", "Show", "Exists", "Describe", "Check"}
SERVERS_LOOK = re.compile(
    r"SELECT query_id, user, query FROM system\.processes WHERE query_id = .*'chtui-[^']+'"
)
WATCHED_SECONDS = 12.0
OWN_KILL = sql.load("monitor/kill_own_query")


@dataclass
class Sent:
    """What left this process for servers, by what the driver was asked and by what the socket was given."""

    reads: list[tuple[str, str]] = field(default_factory=list)
    """Statement's name and text."""
    commands: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """Statement's name, text and parameters."""
    query_ids: set[str] = field(default_factory=set)
    bodies: list[str] = field(default_factory=list)
    """The statements in all requests, those of logging in too."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Everything sent while the test runs; the driver and the pool below it do their work as ever."""
    noted = Sent()
    read, command, urlopen = Driver.read, Driver.command, OneConnectionPool.urlopen

    def noting_read(self: Driver, statement: sql.Statement, params: Any, **options: Any) -> Any:
        noted.reads.append((statement.name, statement.text))
        noted.query_ids.add(options["query_id"])
        return read(self, statement, params, **options)

    def noting_command(self: Driver, statement: sql.Statement, params: Any, **options: Any) -> Any:
        noted.commands.append((statement.name, statement.text, dict(params)))
        noted.query_ids.add(options["query_id"])
        return command(self, statement, params, **options)

    def noting_urlopen(self: OneConnectionPool, method: str, url: str, *more: Any, **options: Any) -> Any:
        if not url.endswith("/ping"):
            body = options.get("body")
            noted.bodies.append(body.decode() if isinstance(body, bytes) else str(body))
        return urlopen(self, method, url, *more, **options)

    monkeypatch.setattr(Driver, "read", noting_read)
    monkeypatch.setattr(Driver, "command", noting_command)
    monkeypatch.setattr(OneConnectionPool, "urlopen", noting_urlopen)
    return noted


def with_address(rig: ModernRig, index: int, address: str) -> Effective:
    """The rig with one host at another address, asked every second; nobody is slow enough to be spared."""
    addresses = {**rig.addresses(), str(ids(rig)[index]): address}
    seeds = rig.effective().profile.seeds[:2]
    return fast(
        rig.effective(seeds=seeds, http_addresses=MappingProxyType(addresses)),
        parts=2.0,
        disks=2.0,
        tables=2.0,
    )


def test_only_reads_until_armed(
    modern: ModernRig, sessions: list[Session], sent: Sent, tmp_path: Path
) -> None:
    logs: list[list[Logged]] = []
    with SlowedForwarder("127.0.0.1", modern.http_ports[3]) as forwarder, ExitStack() as stack:
        logs += [stack.enter_context(query_log(modern, index, "oncall")) for index in range(4)]
        found = with_address(modern, 3, f"127.0.0.1:{forwarder.port}")
        session = started(found, sessions)
        session.watch("test", Watch(lambda _: None, lambda _: None), EVERYTHING)
        wait_until(lambda: told_all(session), 60, "every probe told")
        unarmed(found, session, tmp_path)
        # One host's question takes too long, another host is suspended while it is asked.
        forwarder.slowing = True
        wait_until(
            lambda: status(session, ids(modern)[3]).state is HostState.SLOW, 20, "the overdue question"
        )
        forwarder.slowing = False
        modern.nodes[2].suspend()
        wait_until(lambda: status(session, ids(modern)[2]).state is HostState.HUNG, 20, "the hung host")
        began = time.monotonic()
        wait_until(
            lambda: sent.commands and time.monotonic() - began > WATCHED_SECONDS,
            60,
            "the kill of chtui's own",
        )
        modern.nodes[2].resume()
        wait_until(lambda: status(session, ids(modern)[2]).state.answers, 40, "the host's return")
        session.stop()
        wait_until(lambda: not busy(modern), 30, "the end of what was asked")
    by_driver(sent)
    by_socket(sent)
    by_servers(sent, [row for log in logs for row in log])


def told_all(session: Session) -> bool:
    """Whether every probe was asked of every host, or found to be of no use there."""
    hosts = session.snapshot.hosts
    return len(hosts) == 4 and all(
        session.store.get(host.id, want.key) is not None for host in hosts for want in EVERYTHING
    )


def busy(rig: ModernRig) -> bool:
    """Whether any host still works on a question of chtui's."""
    text = "SELECT count() FROM system.processes WHERE query_id LIKE 'chtui-%'"
    return any(int(rig.query(index, text)) for index in range(4))


def unarmed(found: Effective, session: Session, folder: Path) -> None:
    """Try to kill without being armed."""
    clock = SystemClock()
    host = session.snapshot.hosts[0].id
    plan = kill_plan(CLUSTER, [Candidate(host, "victim", "victim", "app", "HTTP", "q", 60.0)])
    executor = Executor(found.profile, Arming(found.profile, clock), Audit(clock, folder), clock)
    with pytest.raises(UsageError, match="read-only"):
        executor.run(plan, {host: session.snapshot.hosts[0].address}, Watcher())
    assert list(folder.iterdir()) == []


def by_driver(sent: Sent) -> None:
    """The statements given to the driver: all below monitor/, all reads but for the one."""
    assert len(sent.reads) > 100
    names = {name.removesuffix(" through") for name, _ in sent.reads}
    assert len(names) > 10
    assert all(name.startswith("monitor/") for name in names)
    assert [text for _, text in sent.reads if not READS.match(text)] == []
    assert sent.commands
    for name, text, params in sent.commands:
        assert (name, text) == (OWN_KILL.name, OWN_KILL.text)
        assert list(params) == ["query_id"]
        assert params["query_id"] in sent.query_ids
    killed = [params["query_id"] for _, _, params in sent.commands]
    assert len(killed) == len(set(killed)), "one KILL QUERY for one query"


def by_socket(sent: Sent) -> None:
    """The requests that left: nothing goes past the driver's two ways."""
    others = [body for body in sent.bodies if not READS.match(body)]
    assert len(sent.bodies) > len(sent.reads)
    assert len(others) == len(sent.commands)
    assert set(others) <= {OWN_KILL.text}


def by_servers(sent: Sent, rows: list[Logged]) -> None:
    """What the servers say they were sent by chtui's user."""
    mine = [row for row in rows if row.query_id.startswith("chtui-")]
    assert len(mine) > 100
    # To obey a KILL QUERY the server looks for the query, in that user's name.
    looked = [row for row in rows if row not in mine]
    assert [row.kind for row in looked] == ["Select"] * len(sent.commands)
    assert all(SERVERS_LOOK.match(row.query) for row in looked), looked
    others = [row for row in mine if row.kind not in READ_KINDS]
    assert {row.kind for row in others} == {"KillQuery"}
    assert [row for row in mine if row.kind == "Check" and not row.query.startswith("CHECK GRANT ")] == []
    for row in others:
        named = re.search(r"WHERE query_id = .*'(chtui-[^']+)'", row.query)
        assert named is not None, row.query
        assert named[1] in sent.query_ids
    assert len(others) == len(sent.commands)


def test_what_watches_would_see_a_write(modern: ModernRig, sent: Sent, tmp_path: Path) -> None:
    host = ids(modern)[0]
    plan = kill_plan(CLUSTER, [Candidate(host, "nobody", "nobody", "app", "HTTP", "q", 60.0)])
    watcher = Watcher()
    with query_log(modern, 0, "admin") as logged:
        executor_of(modern.effective("admin"), tmp_path).run(
            plan, {host: modern.addresses()[str(host)]}, watcher
        )
        assert watcher.last().is_good
    assert [name for name, _, _ in sent.commands] == ["act/kill_queries"]
    assert [body for body in sent.bodies if not READS.match(body)] == [sql.load("act/kill_queries").text]
    assert [
        row.kind for row in logged if row.kind not in READ_KINDS and row.query_id.startswith("chtui-")
    ] == ["KillQuery"]
