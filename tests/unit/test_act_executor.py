"""Runs that never get as far as a server: what they are refused for, and that nothing leaves this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chtui.act.arming import Arming
from chtui.act.audit import FILE_NAME, Audit
from chtui.act.executor import Executor, stage_of
from chtui.act.kill import Candidate, kill_plan
from chtui.act.plans import Plan
from chtui.act.progress import HostProgress, Progress, Stage, Verified
from chtui.clock import SystemClock
from chtui.errors import ChtuiError, ConnectError, DeadlineError, QueryError, UsageError
from chtui.records import HostId
from tests.support import wait_until
from tests.unit.hand import NOW, A, B, profile


def plan(*hosts: HostId) -> Plan:
    """A plan that kills one query on each host."""
    return kill_plan("c", [Candidate(host, "q1", "q1", "app", "HTTP", "SELECT 1", 9.0) for host in hosts])


@contextmanager
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """A port that takes connections and answers nothing: its address, and what it was sent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def accept() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return  # the test is over
                heard.append(client.recv(65536))

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}", heard


class Watcher:
    """Takes the states of a run."""

    def __init__(self) -> None:
        self.states: list[Progress] = []

    def __call__(self, progress: Progress) -> None:
        self.states.append(progress)

    def last(self) -> Progress:
        """The final state."""
        wait_until(lambda: self.states and self.states[-1].is_over, 20, "the end of the run")
        return self.states[-1]


def executor(folder: Path, **changes: Any) -> Executor:
    """An armed one."""
    clock, given = SystemClock(), profile(**changes)
    arming = Arming(given, clock)
    arming.arm("c")
    return Executor(given, arming, Audit(clock, folder), clock)


def audited(folder: Path) -> list[dict[str, Any]]:
    """What the audit log holds."""
    return [json.loads(line) for line in (folder / FILE_NAME).read_text().splitlines()[1:]]


def test_what_is_not_armed_or_not_direct_is_refused_at_once(tmp_path: Path) -> None:
    watcher = Watcher()
    disarmed = executor(tmp_path)
    disarmed.arming.disarm()
    with pytest.raises(UsageError, match="no cluster is armed"):
        disarmed.run(plan(A), {}, watcher)
    other = executor(tmp_path)
    other.arming.arm("d")
    with pytest.raises(UsageError, match="only cluster d is armed"):
        other.run(plan(A), {}, watcher)
    with pytest.raises(UsageError, match="access = through"):
        executor(tmp_path, access="through").run(plan(A), {}, watcher)
    with pytest.raises(UsageError, match="there is nothing to do"):
        executor(tmp_path).run(plan(), {}, watcher)
    assert watcher.states == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("obstacle", ["a file where the folder must be", "a newer format"])
def test_without_an_audit_log_nothing_is_sent_to_anyone(tmp_path: Path, obstacle: str) -> None:
    folder = tmp_path / "audit"
    if obstacle == "a newer format":
        folder.mkdir()
        (folder / FILE_NAME).write_text('{"format": "chtui-audit", "version": 2}\n')
    else:
        folder.write_text("")
    watcher = Watcher()
    with listener() as (address, heard):
        executor(folder).run(plan(A, B), {A: address, B: address}, watcher)
        done = watcher.last()
        assert [host.stage for host in done.hosts] == [Stage.FAILED, Stage.FAILED]
        assert all("audit log" in host.why and host.why.endswith("; nothing was sent") for host in done.hosts)
        assert heard == []
        assert not any(thread.name.startswith("lane act") for thread in threading.enumerate())


def test_a_log_that_fails_between_two_lines_stops_the_statement(tmp_path: Path) -> None:
    class OneLine(Audit):
        def write(self, event: str, facts: Mapping[str, Any]) -> None:
            super().write(event, facts)
            (tmp_path / FILE_NAME).unlink()
            (tmp_path / FILE_NAME).mkdir()

    given = executor(tmp_path)
    given.audit = OneLine(SystemClock(), tmp_path)
    watcher = Watcher()
    given.run(plan(A), {A: "127.0.0.1:1"}, watcher)
    assert watcher.last().hosts[0].stage is Stage.FAILED


def test_a_host_that_is_not_there_is_told_with_the_reason(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    watcher = Watcher()
    executor(tmp_path).run(plan(A, B), {A: f"127.0.0.1:{port}"}, watcher)
    done = watcher.last()
    assert [(host.stage, host.verified) for host in done.hosts] == [(Stage.FAILED, Verified.NOTHING)] * 2
    assert "connection refused" in done.hosts[0].why
    assert all(host.why.endswith("; nothing was sent") for host in done.hosts)
    assert [line["event"] for line in audited(tmp_path)] == ["run", "not sent", "not sent"]
    assert not any("statement" in line for line in audited(tmp_path))
    assert done.is_good is False
    assert done.summary.startswith("kill 2 queries on 2 hosts: 0 gone, ")


def test_whoever_is_told_cannot_stop_a_run(tmp_path: Path) -> None:
    def broken(_: Progress) -> None:
        raise RuntimeError("the window is closed")

    run = executor(tmp_path).run(plan(A), {}, broken)
    wait_until(lambda: run.progress.is_over, 20)
    assert run.trouble == "RuntimeError: the window is closed"


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (QueryError("Code 497: no", code=497), Stage.FAILED),
        (QueryError("what is this"), Stage.UNKNOWN),
        (ConnectError("refused", "closed"), Stage.FAILED),
        (ConnectError("auth_failed", "no"), Stage.FAILED),
        (ConnectError("down", "the connection broke"), Stage.UNKNOWN),
        (DeadlineError("late"), Stage.UNKNOWN),
        (ChtuiError("chtui failed"), Stage.UNKNOWN),
    ],
)
def test_only_a_refusal_is_a_failure_all_else_is_unknown(error: ChtuiError, stage: Stage) -> None:
    assert stage_of(error) is stage


def test_a_run_in_one_line() -> None:
    made = plan(A, B)
    good = HostProgress(A, 1, 1, Stage.DONE, verified=Verified.SEEN, gone=("q1",), is_over=True)
    lost = HostProgress(B, 1, 0, Stage.UNKNOWN, "no answer within 10 s", Verified.UNKNOWN, left=("q1",), verified_why="no answer within 5 s", is_over=True)  # fmt: skip
    assert Progress(made, NOW, (good,)).summary == "kill 2 queries on 2 hosts: 1 gone"
    assert Progress(made, NOW, (good,)).is_good
    both = Progress(made, NOW, (good, lost))
    assert (both.is_over, both.is_good) == (True, False)
    assert both.summary == (
        "kill 2 queries on 2 hosts: 1 gone, ch2.example:9000 unknown: no answer within 10 s, "
        "ch2.example:9000 could not be verified: no answer within 5 s"
    )
