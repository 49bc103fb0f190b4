"""The keeper pane and znodes without a screen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chtui.monitor.snapshot import Snapshot
from chtui.records import KEEPER, HostId, Sample
from chtui.records.keeper import KeeperConnection, KeeperMember, KeeperNode, KeeperSession, MemberState, Znode
from chtui.text import UNSAFE
from chtui.views import keeper
from chtui.views.keeper import sessions as keeper_sessions
from chtui.views.keeper import znodes
from chtui.views.pages import notes, table
from chtui.views.panes import page
from chtui.views.table import Link
from tests.unit.hand import HOSTILE, A, B, ago, good, snapshot, status, summary

ONE, TWO, THREE = (HostId(f"zk{number}.example", 2181) for number in (1, 2, 3))
MEMBERS = page("keeper").parts[0]
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


def test_the_sessions_of_clickhouse_hosts() -> None:
    expired = KeeperConnection("default", "zk1.example", 2181, True, 40, "0x10")
    samples = {
        (A, "zookeeper_connection"): good(expired),
        (A, "replication_summary"): good(summary(expired_tables=3, readonly_tables=3)),
        (B, "zookeeper_connection"): Sample(unavailable="too old"),
        (B, "replication_summary"): good(summary()),
    }
    given = snapshot(status(A), status(B), samples=samples)
    facts = keeper_sessions.host_session_facts(given, ())
    assert [(fact.host, fact.member, fact.is_expired) for fact in facts] == [
        (str(A), "zk1.example:2181", True),
        (str(B), None, None),
    ]
    rows = table(page("keeper").parts[2], given, ()).rows
    assert [row.cells[2].text for row in rows] == ["expired", "not told"]


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
    assert list(znodes.ZnodeFact.__slots__) == [
        "path", "name", "children", "data_size_bytes", "version", "created_at", "modified_at", "ephemeral_owner", "zxid",
    ]  # fmt: skip
