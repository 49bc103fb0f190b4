"""Killing queries on 26.9: previewed, killed where they run, seen gone; and what goes wrong is told as it is."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from chtui import sql
from chtui.act.kill import Candidate, kill_plan
from chtui.act.plans import Plan
from chtui.act.predicate import parse_predicate
from chtui.act.progress import HostProgress, Stage, Verified
from chtui.demo.client import Client
from chtui.errors import UsageError
from chtui.fleet.literal import Value, literal
from chtui.records import HostId
from tests.engine import contract
from tests.engine.fleets import ids, query_log
from tests.engine.killing import (
    KILL_FIELDS,
    PROCESSES,
    LongQuery,
    MarkingAudit,
    Watcher,
    audited,
    candidates,
    executor_of,
    writing,
)
from tests.faults.watching import lanes
from tests.rigs.forwarder import Filter, TcpForwarder
from tests.support import CLUSTER, ModernRig, replace, wait_until

ANALYST, BACKEND = "analyst", "appsentry-backend"
CAST = re.compile(r"_CAST\((\[.*?\]), 'Array\(String\)'\)")
"""How the server writes a bound value down."""
Start = Callable[[int, str, str], LongQuery]


@pytest.fixture
def start(modern: ModernRig) -> Iterator[Start]:
    """`start(index, user, query_id)`: a query of a minute that is seen to run; what is left of them is killed at the end."""
    begun: list[tuple[int, str]] = []

    def run(index: int, user: str, query_id: str) -> LongQuery:
        client = Client(user, modern.password(user))
        port = modern.http_ports[index]
        text = sql.load("demo/load_slow").text
        query = LongQuery(lambda: client.ask(port, text, {"rows": 600}, seconds=None, query_id=query_id))
        begun.append((index, query_id))
        query.start()
        wait_until(lambda: query_id in running(modern, index), 20, f"{query_id} running")
        assert not query.end
        return query

    yield run
    modern.heal()
    for index, query_id in begun:
        wait_until(lambda index=index: modern.query(index, "SELECT 1"), 20)  # type: ignore[misc]
        modern.query(index, f"KILL QUERY WHERE query_id = {literal(query_id)} ASYNC")


@pytest.fixture
def mark() -> str:
    """What the names of a test's queries begin with."""
    return f"kill-{secrets.token_hex(3)}"


def preview(rig: ModernRig, *indexes: int) -> list[Candidate]:
    """Every running query of some hosts."""
    return [query for index in indexes for query in candidates(ids(rig)[index], rig.query(index, PROCESSES))]


def running(rig: ModernRig, index: int) -> set[str]:
    """The names of a host's running queries."""
    return {query.query_id for query in preview(rig, index)}


def chosen(rig: ModernRig, mark: str, *indexes: int) -> Plan:
    """The plan that kills what begins with the mark."""
    predicate = parse_predicate(f"query_id~^{mark}", KILL_FIELDS)
    return kill_plan(CLUSTER, filter(predicate.matches, preview(rig, *indexes)))


def addresses(rig: ModernRig) -> dict[HostId, str]:
    """Where the hosts answer HTTP."""
    return {host: rig.addresses()[str(host)] for host in ids(rig)}


def quicker(plan: Plan, step_seconds: float = 2.0, check_seconds: float = 2.0) -> Plan:
    """The same plan with less patience."""
    steps = tuple(replace(step, seconds=step_seconds) for step in plan.steps)
    checks = tuple(replace(check, seconds=check_seconds) for check in plan.checks)
    return Plan(
        plan.cluster,
        plan.title,
        plan.kind,
        steps,
        plan.targets,
        plan.expected,
        plan.verified_by,
        checks=checks,
    )


def kills(rig: ModernRig, index: int, do: Callable[[], None], user: str = "admin") -> list[tuple[str, str]]:
    """The names and texts of the kills a host took from chtui meanwhile."""
    with query_log(rig, index, user) as logged:
        do()
    return [
        (row.query_id, row.query)
        for row in logged
        if row.kind == "KillQuery" and row.query_id.startswith("chtui-")
    ]


def test_queries_of_several_users_on_two_hosts_are_killed_where_they_run(
    modern: ModernRig, start: Start, mark: str, tmp_path: Path
) -> None:
    first, second = ids(modern)[:2]
    killed = [
        start(0, ANALYST, f"{mark}-a'1"),
        start(0, BACKEND, f"{mark}-b"),
        start(1, ANALYST, f"{mark}-c"),
    ]
    spared = start(0, ANALYST, f"other-{mark}")
    plan = chosen(modern, mark, 0, 1)
    assert plan.title == "kill 3 queries on 2 hosts"
    assert [(step.host, step.text.count(mark)) for step in plan.steps] == [(first, 2), (second, 1)]
    found = writing(modern.effective(), "admin", modern.password("admin"))
    watcher = Watcher()
    with query_log(modern, 0, "admin") as on_first, query_log(modern, 1, "admin") as on_second:
        executor_of(found, tmp_path).run(plan, addresses(modern), watcher)
        done = watcher.last()
    assert done.is_good, done
    assert done.summary == "kill 3 queries on 2 hosts: 3 gone"
    assert [set(host.gone) for host in done.hosts] == [{f"{mark}-a'1", f"{mark}-b"}, {f"{mark}-c"}]
    for query in killed:
        query.join(10)
        assert "QUERY_WAS_CANCELLED" in query.end
    assert spared.is_alive()
    assert f"other-{mark}" in running(modern, 0)

    stages = [state.hosts[0].stage for state in watcher.states]
    assert list(dict.fromkeys(stages)) == [Stage.PENDING, Stage.SENT, Stage.DONE]
    lines = audited(tmp_path)
    assert lines[0]["event"] == "run"
    assert {line["user"] for line in lines} == {"admin"}
    assert {(line["profile"], line["cluster"]) for line in lines} == {("rig", CLUSTER)}
    assert all(line["who"]["os_user"] for line in lines)
    for host in (first, second):
        mine = [line for line in lines if line.get("host") == str(host)]
        assert [line["event"] for line in mine] == ["send", "done", "verified"]
        assert mine[0]["statement"] == mine[1]["statement"] == plan.steps_of(host)[0].text
        assert sorted(mine[2]["gone"]) == sorted(plan.checks_of(host)[0].names)
    # What a server was sent is what was written down and shown, under the name that was written down.
    for host, taken in ((first, on_first), (second, on_second)):
        (kill,) = [row for row in taken if row.query_id.startswith("chtui-") and row.kind == "KillQuery"]
        send = next(line for line in lines if line["event"] == "send" and line["host"] == str(host))
        assert kill.query_id == send["query_id"]
        assert CAST.sub(r"\1", kill.query) == send["statement"]
    for path in tmp_path.iterdir():
        assert modern.password("admin") not in path.read_text()


def test_the_servers_own_query_is_refused(modern: ModernRig, tmp_path: Path) -> None:
    own = [query for query in preview(modern, 0) if query.interface == "Local"]
    assert [query.user for query in own] == [""]
    plan = kill_plan(CLUSTER, own)
    assert plan.steps == ()
    assert [one.why for one in plan.left_out] == [
        "the server's own (interface Local or no user): killing it does not return"
    ]
    with pytest.raises(UsageError, match="there is nothing to do"):
        executor_of(modern.effective("admin"), tmp_path).run(plan, addresses(modern), Watcher())
    mixed = kill_plan(CLUSTER, preview(modern, 0))
    assert own[0].query_id not in "".join(step.text for step in mixed.steps)
    assert own[0].query_id in running(modern, 0)


def test_a_host_that_hangs_delays_no_other_and_is_sent_nothing_later(
    modern: ModernRig, start: Start, mark: str, tmp_path: Path
) -> None:
    hung, well = ids(modern)[:2]
    safe, lost = start(0, ANALYST, f"{mark}-a"), start(1, ANALYST, f"{mark}-b")
    plan, watcher = chosen(modern, mark, 0, 1), Watcher()
    with query_log(modern, 0, "admin") as logged:
        modern.nodes[0].suspend()
        executor_of(modern.effective("admin"), tmp_path).run(plan, addresses(modern), watcher)
        wait_until(lambda: watcher.states and host_of(watcher, well).is_over, 6, "the other host")
        assert host_of(watcher, well).verified is Verified.SEEN
        waiting = host_of(watcher, hung)
        assert (waiting.stage, waiting.why) == (Stage.PENDING, "connecting")
        lost.join(10)
        watcher.last()
        told = host_of(watcher, hung)
        assert (told.stage, told.verified) == (Stage.FAILED, Verified.NOTHING)
        assert told.why == "no answer within 8 s; nothing was sent"
        assert [line["event"] for line in audited(tmp_path) if line.get("host") == str(hung)] == ["not sent"]
        modern.nodes[0].resume()
        wait_until(lambda: lanes(modern.http_ports[0]) == 0, 20, "the end of what was tried")
        assert f"{mark}-a" in running(modern, 0)
    assert [row.query for row in logged if row.kind == "KillQuery"] == []
    assert safe.is_alive()


def host_of(watcher: Watcher, host: HostId) -> HostProgress:
    """One host's latest state."""
    found = watcher.now.host(host)
    assert found is not None
    return found


def test_a_host_that_hangs_once_the_statement_is_on_its_way_is_unknown(
    modern: ModernRig, start: Start, mark: str, tmp_path: Path
) -> None:
    hung, well = ids(modern)[:2]
    query = start(0, ANALYST, f"{mark}-a")
    start(1, ANALYST, f"{mark}-b")
    plan = quicker(chosen(modern, mark, 0, 1))

    def suspend(event: str, facts: Mapping[str, Any]) -> None:
        if event == "send" and facts["host"] == str(hung):
            modern.nodes[0].suspend()

    watcher = Watcher()
    executor = executor_of(modern.effective("admin"), tmp_path, MarkingAudit(tmp_path, suspend))
    executor.run(plan, addresses(modern), watcher)
    done = watcher.last()
    told, other = host_of(watcher, hung), host_of(watcher, well)
    assert (other.stage, other.verified) == (Stage.DONE, Verified.SEEN)
    assert (told.stage, told.why) == (Stage.UNKNOWN, "no answer within 2 s")
    assert (told.verified, told.left, told.gone) == (Verified.UNKNOWN, (f"{mark}-a",), ())
    assert "unknown: no answer within 2 s" in done.summary
    events = [line["event"] for line in audited(tmp_path) if line.get("host") == str(hung)]
    assert events == ["send", "unknown", "could not be verified"]
    # Unknown is the word: the statement waited in the host's socket, and is obeyed once it wakes.
    modern.nodes[0].resume()
    query.join(20)
    assert "QUERY_WAS_CANCELLED" in query.end


def test_a_host_that_comes_back_in_time_is_verified_after_all(
    modern: ModernRig, start: Start, mark: str, tmp_path: Path
) -> None:
    host = ids(modern)[0]
    start(0, ANALYST, f"{mark}-a")
    plan = quicker(chosen(modern, mark, 0), check_seconds=30)

    def follow(event: str, facts: Mapping[str, Any]) -> None:
        if event == "send":
            modern.nodes[0].suspend()
        elif event == "unknown":
            modern.nodes[0].resume()

    watcher = Watcher()
    executor_of(modern.effective("admin"), tmp_path, MarkingAudit(tmp_path, follow)).run(
        plan, addresses(modern), watcher
    )
    watcher.last()
    told = host_of(watcher, host)
    assert (told.stage, told.verified, told.gone) == (Stage.UNKNOWN, Verified.SEEN, (f"{mark}-a",))


def test_a_user_without_the_right_gets_the_servers_words(
    modern: ModernRig, start: Start, mark: str, tmp_path: Path
) -> None:
    query = start(0, ANALYST, f"{mark}-a")
    watcher = Watcher()
    executor_of(modern.effective("oncall"), tmp_path).run(chosen(modern, mark, 0), addresses(modern), watcher)
    told = watcher.last().hosts[0]
    assert (told.stage, told.verified, told.answered) == (Stage.FAILED, Verified.NOTHING, 0)
    assert "Code 497: User oncall attempts to kill query created by analyst" in told.why
    assert audited(tmp_path)[-1]["event"] == "failed"
    assert "User oncall attempts" in audited(tmp_path)[-1]["error"]
    assert query.is_alive()


def test_what_still_runs_when_time_is_up_is_told(
    modern: ModernRig, start: Start, mark: str, tmp_path: Path
) -> None:
    start(0, ANALYST, f"{mark}-a")
    plan = chosen(modern, mark, 0)
    # Looked for is another query, which nobody has told to stop.
    start(0, BACKEND, f"other-{mark}")
    params = {"query_ids": [f"other-{mark}"]}
    check = replace(plan.checks[0], params=params, names=(f"other-{mark}",), seconds=1.0)
    watcher = Watcher()
    executor_of(modern.effective("admin"), tmp_path).run(
        replace_checks(plan, (check,)), addresses(modern), watcher
    )
    told = watcher.last().hosts[0]
    assert (told.stage, told.verified) == (Stage.DONE, Verified.NOT_SEEN)
    assert (told.left, told.untold, told.gone) == ((f"other-{mark}",), (f"other-{mark}",), ())
    assert "1 still running" in watcher.now.summary


def replace_checks(plan: Plan, checks: tuple[Any, ...]) -> Plan:
    """The same plan, verified in another way."""
    return Plan(
        plan.cluster, plan.title, plan.kind, plan.steps, plan.targets, plan.expected, plan.verified_by,
        done_word=plan.done_word, left_word=plan.left_word, checks=checks,
    )  # fmt: skip


def test_an_address_that_leads_to_another_host_is_sent_nothing(
    modern: ModernRig, start: Start, mark: str, tmp_path: Path
) -> None:
    first, second = ids(modern)[:2]
    query = start(1, ANALYST, f"{mark}-a")
    plan = kill_plan(
        CLUSTER, [replace(one, host=first) for one in preview(modern, 1) if one.query_id.startswith(mark)]
    )
    watcher = Watcher()
    wrong = {**addresses(modern), first: addresses(modern)[second]}

    def run() -> None:
        executor_of(modern.effective("admin"), tmp_path).run(plan, wrong, watcher)
        watcher.last()

    sent = kills(modern, 1, run)
    assert watcher.now.hosts[0].stage is Stage.FAILED
    assert f"the server there is {second}, not {first}" in watcher.now.hosts[0].why
    assert sent == []
    assert query.is_alive()


def test_disarming_stops_what_was_not_sent_yet(
    modern: ModernRig, start: Start, mark: str, tmp_path: Path
) -> None:
    query = start(0, ANALYST, f"{mark}-a")
    watcher = Watcher()
    audit = MarkingAudit(tmp_path, lambda event, _: executor.arming.disarm() if event == "run" else None)
    executor = executor_of(modern.effective("admin"), tmp_path, audit)
    executor.run(chosen(modern, mark, 0), addresses(modern), watcher)
    told = watcher.last().hosts[0]
    assert told.stage is Stage.FAILED
    assert "no cluster is armed" in told.why
    assert told.why.endswith("; nothing was sent")
    assert [line["event"] for line in audited(tmp_path)] == ["run", "not sent"]
    assert query.is_alive()


class ReadingForwarder(TcpForwarder):
    """Reads the audit log at the moment a kill arrives, before it is passed on."""

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__("127.0.0.1", port)
        self.folder = folder
        self.seen: list[list[dict[str, Any]]] = []

    def request_filter(self) -> Filter:
        def look(data: bytes) -> bytes:
            if b"KILL QUERY" in data:
                self.seen.append(audited(self.folder))
            return data

        return look


def test_the_audit_line_is_there_before_the_statement_is_sent(
    modern: ModernRig, start: Start, mark: str, tmp_path: Path
) -> None:
    start(0, ANALYST, f"{mark}-a")
    plan, watcher = chosen(modern, mark, 0), Watcher()
    with ReadingForwarder(modern.http_ports[0], tmp_path) as forwarder:
        where = {ids(modern)[0]: f"127.0.0.1:{forwarder.port}"}
        executor_of(modern.effective("admin"), tmp_path).run(plan, where, watcher)
        assert watcher.last().is_good
        (lines,) = forwarder.seen
    assert [line["event"] for line in lines] == ["run", "send"]
    assert lines[1]["statement"] == plan.steps[0].text


def test_statements_are_as_their_headers_say(modern: ModernRig) -> None:
    with contract.connected(modern.effective(), modern.http_ports[0]) as driver:
        for name in sql.names("act"):
            statement = sql.load(name)
            params: dict[str, Value] = {"query_ids": ["none", "it's \\ not"]}
            if not statement.columns:
                driver.command(statement, params, query_id=next(contract.IDS), seconds=10)
                continue
            described = replace(statement, text=f"DESCRIBE (\n{statement.text}\n)")
            rows = contract.ask(driver, described, params).rows
            assert [(row[0], row[1]) for row in rows] == contract.declared(statement)
            assert contract.ask(driver, statement, params).rows == []
