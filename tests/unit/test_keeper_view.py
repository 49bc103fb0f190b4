"""The keeper pane and znodes without a screen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chtui.monitor.snapshot import Snapshot
from chtui.records import KEEPER, HostId, HostState, HostStatus, Sample
from chtui.records.keeper import (
    HostSession,
    KeeperConnection,
    KeeperMember,
    KeeperNode,
    KeeperSession,
    MemberState,
    ReplicaPath,
    Znode,
)
from chtui.text import UNSAFE
from chtui.views import keeper
from chtui.views.keeper import hosts, znodes
from chtui.views.keeper import sessions as keeper_sessions
from chtui.views.pages import notes, table, unavailable
from chtui.views.panes import page
from chtui.views.table import Link
from tests.unit.hand import HOSTILE, A, B, ago, good, snapshot, status, summary

ONE, TWO, THREE = (HostId(f"zk{number}.example", 2181) for number in (1, 2, 3))
MEMBERS, _, HOSTS = page("keeper").parts
ZNODE = page("znode")


def member(host: HostId, state: MemberState, **given: Any) -> KeeperMember:
    return KeeperMember(host, state, ago(30), origin="profile", voters=3, **given)


def ensemble(*members: KeeperMember, **nodes: KeeperNode) -> Snapshot:
    hosts = {"one": ONE, "two": TWO, "three": THREE}
    samples = {(hosts[name], "keeper_node"): good(node) for name, node in nodes.items()}
    return snapshot(status(A), samples=samples, keeper_members=members)


def figure(given: Snapshot, label: str) -> tuple[str, str]:
    found = next(item for item in keeper.member_figures(given, ()) if item.label == label)
    return found.value, found.style


WHOLE = (
    member(ONE, MemberState.FOLLOWER),
    member(TWO, MemberState.LEADER),
    member(THREE, MemberState.FOLLOWER),
)


def test_a_whole_ensemble_holds_its_quorum() -> None:
    given = ensemble(*WHOLE)
    assert figure(given, "ensemble") == ("quorum held", "ok")
    assert figure(given, "serving") == ("3 of 3", "")
    assert figure(given, "can lose") == ("1", "")
    assert figure(given, "leader") == (str(TWO), "")


def test_a_lost_quorum_is_unmistakable() -> None:
    given = ensemble(
        member(ONE, MemberState.NOT_SERVING),
        member(TWO, MemberState.REFUSED, error="refused"),
        member(THREE, MemberState.REFUSED, error="refused"),
    )
    assert figure(given, "ensemble") == ("QUORUM LOST", "critical")
    assert figure(given, "leader") == ("none seen", "critical")
    drawn = table(MEMBERS, given, ())
    assert [row.cells[1].text for row in drawn.rows] == ["REFUSED 30s", "REFUSED 30s", "NOT SERVING 30s"]
    assert {row.cells[1].style for row in drawn.rows} == {"critical"}


def test_a_stopped_member_is_the_first_row_and_the_rest_serve() -> None:
    given = ensemble(WHOLE[0], WHOLE[1], member(THREE, MemberState.HUNG, error="no answer within 3 s"))
    facts = keeper.member_facts(given, ())
    assert [(fact.member, fact.state) for fact in facts] == [
        (str(THREE), "hung"),
        (str(ONE), "follower"),
        (str(TWO), "leader"),
    ]
    assert figure(given, "ensemble") == ("quorum held", "ok")
    assert figure(given, "can lose") == ("0", "warning")


def test_figures_of_a_member_that_no_longer_answers_are_not_shown() -> None:
    node = KeeperNode("follower", "3.8.0", "ZooKeeper", outstanding_requests=7)
    lives = ensemble(member(ONE, MemberState.FOLLOWER), one=node)
    gone = ensemble(member(ONE, MemberState.DOWN), one=node)
    assert keeper.member_facts(lives, ())[0].outstanding_requests == 7
    assert keeper.member_facts(gone, ())[0].outstanding_requests is None


def test_thresholds_of_waiting_and_latency() -> None:
    node = KeeperNode(
        "leader", latency_avg_milliseconds=150.0, outstanding_requests=11, followers=2, synced_followers=1
    )
    given = ensemble(member(ONE, MemberState.LEADER), one=node)
    cells = dict(
        zip(
            [column.key for column in keeper.MEMBER_COLUMNS],
            table(MEMBERS, given, ()).rows[0].cells,
            strict=True,
        )
    )
    assert (cells["outstanding_requests"].text, cells["outstanding_requests"].style) == ("11", "warning")
    assert (cells["latency_avg_milliseconds"].text, cells["latency_avg_milliseconds"].style) == (
        "150ms",
        "warning",
    )
    assert (cells["synced_followers"].text, cells["synced_followers"].style) == ("1/2", "warning")


def test_without_an_ensemble_it_says_where_to_name_one() -> None:
    given = snapshot(status(A))
    assert "keeper = " in table(MEMBERS, given, ()).empty
    assert keeper.member_figures(given, ())[0].value == "not known"
    assert notes(MEMBERS, given, ()) == ()


def test_sessions_that_wait_come_first() -> None:
    rows = (KeeperSession("0x1", "10.0.0.1:4000", 0), KeeperSession("0x2", "10.0.0.2:4000", 9, 100, 98))
    given = snapshot(
        status(A),
        samples={(ONE, "keeper_sessions"): good(*rows)},
        keeper_members=(member(ONE, MemberState.LEADER),),
    )
    facts = keeper_sessions.session_facts(given, ())
    assert [(fact.session_id, fact.outstanding_requests) for fact in facts] == [("0x2", 9), ("0x1", 0)]


def hosts_page(
    samples: dict[Any, Sample], *given: HostStatus, members: tuple[KeeperMember, ...] = WHOLE
) -> Snapshot:
    return snapshot(*(given or (status(A), status(B))), samples=samples, keeper_members=members)


def held(*rows: tuple[HostId, str]) -> Sample:
    return good(*(HostSession(host, "/t/replicas/r", sid) for host, sid in rows))


def states(given: Snapshot) -> dict[str, str]:
    drawn = {row.cells[0].text: row.cells[2].text for row in table(HOSTS, given, ()).rows}
    assert drawn == {fact.host: fact.state for fact in hosts.host_session_facts(given, ())}
    return drawn


def test_the_sessions_clickhouse_hosts_tell() -> None:
    samples = {
        (A, "zookeeper_connection"): good(KeeperConnection("default", "zk1.example", 2181, True, 40, "000f")),
        (A, "replication_summary"): good(summary(expired_tables=3, readonly_tables=3)),
        (B, "zookeeper_connection"): good(KeeperConnection("aux", "zk2.example", 2181, False, 50, None)),
        (ONE, "keeper_sessions"): good(KeeperSession("0xf", "10.0.0.1:4000", 2, established_at=ago(7.5))),
    }
    first, second = hosts.host_session_facts(hosts_page(samples), ())
    assert (first.host, first.source, first.ensemble) == (str(A), "system.zookeeper_connection", "default")
    assert (first.member, first.state, first.is_expired) == ("zk1.example:2181", "expired", True)
    assert (first.session_id, first.session_uptime_seconds, first.connected_seconds) == ("0xf", 40, 7)
    assert (first.outstanding_requests, first.expired_tables, first.replica_path) == (2, 3, None)
    assert (second.state, second.session_id, second.outstanding_requests) == ("alive", None, None)


def test_the_sessions_of_clickhouse_hosts_found_in_zookeeper() -> None:
    samples = {
        (A, "zookeeper_connection"): Sample(unavailable="too old"),
        (KEEPER, "host_sessions"): held((A, "0x100f"), (B, "")),
        (ONE, "keeper_sessions"): good(KeeperSession("0x100f", "10.0.0.1:4000", 9, established_at=ago(60))),
        (TWO, "keeper_sessions"): good(
            KeeperSession(
                "0x000000000000100f", "10.0.0.1:4001", 1, established_at=ago(20), latency_avg_milliseconds=2.0
            ),
            KeeperSession("0x1010", "10.0.0.2:4000", 5),
        ),
    }
    given = hosts_page(samples)
    assert states(given) == {str(A): "alive", str(B): "none"}
    gone, found = hosts.host_session_facts(given, ())
    assert (found.source, found.session_id, found.is_expired) == ("ZooKeeper", "0x100f", False)
    assert (found.member, found.connected_seconds) == (str(TWO), 20), "the later connection of one that moved"
    assert (found.outstanding_requests, found.latency_avg_milliseconds) == (1, 2.0)
    assert (found.ensemble, found.session_uptime_seconds, found.replica_path) == (None, None, "/t/replicas/r")
    assert (gone.session_id, gone.is_expired, gone.member, gone.source) == (None, None, None, "ZooKeeper")
    drawn = {row.cells[0].text: row for row in table(HOSTS, given, ()).rows}
    assert [cell.text for cell in drawn[str(A)].cells[1:5]] == [str(TWO), "alive", "20s", "1"]
    assert drawn[str(A)].links[0][1] == Link("znode", ("/t/replicas/r",))
    assert drawn[str(B)].cells[2].style == "critical"


def test_a_session_is_not_told_of_another_time() -> None:
    old = held((A, "0x100f"))
    carried = good(KeeperSession("0x100f", "10.0.0.1:4000", 9))
    lost = hosts_page(
        {(KEEPER, "host_sessions"): old._replace(error="quorum lost"), (ONE, "keeper_sessions"): carried}
    )
    assert states(lost) == {str(A): "not told", str(B): "not told"}
    assert {fact.session_id for fact in hosts.host_session_facts(lost, ())} == {None}
    hung = hosts_page(
        {(KEEPER, "host_sessions"): old, (ONE, "keeper_sessions"): carried._replace(error="no answer")}
    )
    found = hosts.host_session_facts(hung, ())[0]
    assert (found.state, found.session_id, found.member) == ("alive", "0x100f", None)


def test_why_a_session_is_not_known() -> None:
    expired = {
        (A, "replication_summary"): good(summary(expired_tables=1)),
        (KEEPER, "host_sessions"): held((A, "0x1")),
        (B, "replication_summary"): good(summary(tables=0)),
    }
    assert states(hosts_page(expired)) == {str(A): "expired", str(B): "no replica"}, (
        "the host's word comes first"
    )
    down = hosts_page(expired, status(A, HostState.REFUSED))
    assert states(down) == {str(A): "alive"}, "what it said before it went is of another time"
    silent = hosts_page(
        {
            (A, "zookeeper_connection"): Sample(unavailable="too old"),
            (A, "replica_paths"): good(ReplicaPath("/t/replicas/r")),
            (KEEPER, "host_sessions"): Sample(error="quorum lost"),
            (ONE, "keeper_sessions"): Sample(unavailable="cons is not allowed there"),
        },
        status(A),
        members=WHOLE[:1],
    )
    reasons = unavailable(HOSTS, silent, ())
    assert reasons["ensemble"] == reasons["session_uptime_seconds"] == "too old"
    assert "quorum lost" in reasons["session_id"]
    assert "quorum lost" in reasons["member"]
    assert "cons is not allowed there" in reasons["member"]
    assert "cons is not allowed there" in reasons["connected_seconds"]


@pytest.mark.parametrize("sid", ["", "0x", "zz", "-", "0x1\x1b[31m", *HOSTILE])
def test_a_session_id_that_is_none_joins_nothing(sid: str) -> None:
    samples = {
        (A, "zookeeper_connection"): good(KeeperConnection(sid, sid, 2181, False, 1, sid)),
        (KEEPER, "host_sessions"): held((B, sid)),
        (ONE, "keeper_sessions"): good(KeeperSession(sid, sid, 1)),
    }
    facts = hosts.host_session_facts(hosts_page(samples), ())
    assert {fact.outstanding_requests for fact in facts} == {None}
    for row in table(HOSTS, hosts_page(samples), ()).rows:
        assert not any(UNSAFE.search(item.text) for item in row.cells)


def znode(path: str, data: str | None = None, **given: Any) -> Znode:
    name = path.rstrip("/").rpartition("/")[2] or "/"
    instant = datetime(2026, 3, 4, tzinfo=UTC)
    return Znode(
        path, name, given.pop("children", 0), len(data or ""), 1, instant, instant, data=data, **given
    )


def browsed(*rows: Znode, path: str = "/a") -> Snapshot:
    key = ZNODE.parts[0].wants((path,))[0].key
    return snapshot(status(A), samples={(KEEPER, key): good(*rows)})


def test_children_by_name_and_a_way_down() -> None:
    given = browsed(znode("/a", children=2), znode("/a/z"), znode("/a/b", children=4))
    rows = table(ZNODE.parts[0], given, ("/a",)).rows
    assert [row.key for row in rows] == ["/a/b", "/a/z"]
    assert rows[0].link == Link("znode", ("/a/b",))


def test_data_is_drawn_inert_line_by_line() -> None:
    given = browsed(znode("/a", "host: x\n\x1b[31mport\t9000"))
    facts = znodes.data_facts(given, ("/a",))
    assert [(fact.line, fact.text) for fact in facts] == [(1, "host: x"), (2, "?[31mport   9000")]
    assert znodes.data_facts(browsed(znode("/a")), ("/a",)) == ()


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_is_drawn(name: str) -> None:
    given = browsed(znode("/a", name), znode(f"/a/{name}"))
    tables = [table(part, given, ("/a",)) for part in ZNODE.parts]
    members = snapshot(status(A), keeper_members=(member(HostId(name, 2181), MemberState.DOWN, error=name),))
    tables.append(table(MEMBERS, members, ()))
    for drawn in tables:
        assert drawn.rows
        for row in drawn.rows:
            assert not any(UNSAFE.search(item.text) for item in row.cells)
    assert not any(UNSAFE.search(piece.text) for piece in znodes.znode_heading(given, (name,)))


def test_the_keys_of_the_json() -> None:
    assert list(keeper.MemberFact.__slots__) == [
        "member", "state", "state_seconds", "error", "origin", "role", "product", "version", "latency_min_milliseconds",
        "latency_avg_milliseconds", "latency_max_milliseconds", "outstanding_requests", "alive_connections", "znode_count",
        "watch_count", "ephemeral_count", "data_size_bytes", "followers", "synced_followers", "voters", "zxid",
        "uptime_seconds", "source",
    ]  # fmt: skip
    assert list(hosts.HostSessionFact.__slots__) == [
        "host", "source", "ensemble", "member", "state", "is_expired", "session_uptime_seconds", "connected_seconds",
        "session_id", "outstanding_requests", "latency_avg_milliseconds", "latency_max_milliseconds", "expired_tables",
        "readonly_tables", "replica_path",
    ]  # fmt: skip
    assert list(znodes.ZnodeFact.__slots__) == [
        "path", "name", "children", "data_size_bytes", "version", "created_at", "modified_at", "ephemeral_owner", "zxid",
    ]  # fmt: skip
