"""One look at the whole 26.9 cluster: hosts, identities, addresses, users, and what is sent for it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree

import pytest

from chtui.health.rules import WANTS, assess
from chtui.monitor.probe_sets import hosts
from chtui.monitor.probes import PROBES
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.profile.endpoint import Endpoint
from chtui.profile.model import Credentials
from chtui.profile.secret import Secret
from chtui.records import HostState
from chtui.views import replicas
from chtui.views.status import status
from tests.engine.fleets import COLLECT_SECONDS, EVERYTHING, collected, ids, query_log, reconfigured, states
from tests.rigs.forwarder import Filter, TcpForwarder
from tests.rigs.impostors import ClosedPort
from tests.support import CLUSTER, SOURCE_CLUSTER, ModernRig, replace, wait_until

STATE = Want("host_state")
ALL_UP = [HostState.UP] * 4
OUR_SETTINGS = {
    "max_execution_time",
    "max_threads",
    "log_comment",
    "os_thread_priority",
    "os_threads_nice_value_query",
}

LOGIN = (
    "SELECT version(), timezone()",
    "SELECT name, value, readonly FROM system.settings",
    "SELECT 1 AS check",
)
"""What clickhouse-connect asks before it can know which settings it may send."""


@pytest.fixture
def counted(modern: ModernRig) -> Iterator[str]:
    """A table that holds one row on the first host, two on the second and so on."""
    for index in range(4):
        modern.query(index, "CREATE DATABASE IF NOT EXISTS fleet")
        modern.query(index, "CREATE OR REPLACE TABLE fleet.counted (n UInt64) ENGINE = MergeTree ORDER BY n")
        modern.query(index, f"INSERT INTO fleet.counted SELECT number FROM numbers({index + 1})")
    yield "fleet.counted"
    modern.heal()
    for index in range(4):
        wait_until(lambda index=index: modern.query(index, "DROP TABLE fleet.counted SYNC") == "", 30)  # type: ignore[misc]


def rows_of(snapshot: Snapshot, table: str) -> list[int | None]:
    """How many rows each host's table has; None where the host told nothing of it."""
    found = []
    for host in snapshot.hosts:
        tables = {f"{row.database}.{row.table}": row.rows for row in snapshot.rows(host.id, "host_tables")}
        found.append(tables.get(table))
    return found


def up(snapshot: Snapshot) -> bool:
    return bool(snapshot.hosts) and all(state.answers for state in states(snapshot))


def test_everything_about_four_hosts(modern: ModernRig, counted: str) -> None:
    snapshot = collected(modern.effective())
    assert (snapshot.error, snapshot.cluster, snapshot.clusters) == ("", CLUSTER, (CLUSTER, SOURCE_CLUSTER))
    assert [host.id for host in snapshot.hosts] == ids(modern)
    assert [(host.shard_num, host.replica_num) for host in snapshot.hosts] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert [host.address for host in snapshot.hosts] == [f"127.0.0.1:{port}" for port in modern.http_ports]
    for host in snapshot.hosts:
        assert host.state.answers, host.error
        assert (host.sees_all_tables, host.readonly_level) == (True, 1)
        assert host.version == modern.query(0, "SELECT version()").strip()
        assert host.round_trip_seconds is not None
        assert host.answered_at is not None
        assert host.since is not None
        for want in EVERYTHING:
            sample = snapshot.sample(host.id, want.key)
            assert sample is not None, want
            assert sample.error == "", want
            assert sample.taken_at or sample.unavailable, want
    assert rows_of(snapshot, counted) == [1, 2, 3, 4]
    assert snapshot.is_readonly_user
    assert snapshot.partly_blind == ()


def test_facts_of_the_replicas_pane(modern: ModernRig) -> None:
    facts = replicas.facts(collected(modern.effective(), replicas.WANTS))
    assert [fact.port for fact in facts] == modern.ports
    for fact in facts:
        assert fact.state in ("up", "slow")
        assert (fact.active_replicas, fact.total_replicas) == (2, 2)
        assert fact.active_parts is not None
        assert fact.uptime_seconds is not None
        assert fact.fullest_disk
        assert fact.disk_used_ratio is not None
        assert 0 < fact.disk_used_ratio < 1


def test_swapped_addresses_are_told_as_other_hosts(modern: ModernRig) -> None:
    addresses, (first, second, *_) = modern.addresses(), [str(host) for host in ids(modern)]
    addresses[first], addresses[second] = addresses[second], addresses[first]
    seeds = (Endpoint("127.0.0.1", modern.http_ports[2]),)
    snapshot = collected(modern.effective(seeds=seeds, http_addresses=MappingProxyType(addresses)), (STATE,))
    assert states(snapshot)[:2] == [HostState.MISMATCH, HostState.MISMATCH]
    assert all(state.answers for state in states(snapshot)[2:])
    assert f"the server there is {second}, not {first}" in snapshot.hosts[0].error
    assert f"the server there is {first}, not {second}" in snapshot.hosts[1].error
    assert assess(snapshot).exit_code == 2


def test_addresses_are_discovered_and_kept_for_the_next_run(modern: ModernRig) -> None:
    nothing: MappingProxyType[str, str] = MappingProxyType({})
    found = modern.effective(
        seeds=(Endpoint("127.0.0.1", modern.http_ports[0]),), http_addresses=nothing, name="discovery"
    )
    snapshot = collected(found, (STATE,))
    assert up(snapshot), [host.error for host in snapshot.hosts]
    assert [host.address for host in snapshot.hosts] == [f"127.0.0.1:{port}" for port in modern.http_ports]
    kept = [json.loads(path.read_text()) for path in cache_files()]
    assert modern.addresses() in [content["addresses"] for content in kept]
    assert {path.stat().st_mode & 0o777 for path in cache_files()} == {0o600}
    modern.nodes[0].kill()
    again = collected(found, (STATE,))
    assert [host.id for host in again.hosts] == ids(modern)
    assert states(again)[0] is HostState.REFUSED
    assert all(state.answers for state in states(again)[1:])


def cache_files() -> list[Path]:
    return list(Path(os.environ["XDG_STATE_HOME"]).glob("**/cache/addresses-*.json"))


def test_one_dead_seed_of_several_is_passed_over(modern: ModernRig) -> None:
    seeds = (Endpoint("127.0.0.1", ClosedPort().port), Endpoint("127.0.0.1", modern.http_ports[3]))
    snapshot = collected(modern.effective(seeds=seeds), (STATE,))
    assert (snapshot.error, snapshot.cluster) == ("", CLUSTER)
    assert up(snapshot)


def test_all_through_one_host_gives_the_same_facts(modern: ModernRig, counted: str) -> None:
    direct, through = collected(modern.effective()), collected(modern.effective(access="through"))
    assert through.access == "through"
    assert [host.id for host in through.hosts] == [host.id for host in direct.hosts]
    assert up(through), [host.error for host in through.hosts]
    assert [host.address for host in through.hosts] == [""] * 4
    assert rows_of(through, counted) == rows_of(direct, counted) == [1, 2, 3, 4]
    for one, other in zip(replicas.facts(direct), replicas.facts(through), strict=True):
        for field in ("version", "replicated_tables", "readonly_tables", "queue_entries", "fullest_disk"):
            assert getattr(one, field) == getattr(other, field), field
    steady = {probe.name for probe in hosts.PROBES}
    for want in EVERYTHING:
        for host in direct.hosts:
            one_sample, other_sample = direct.sample(host.id, want.key), through.sample(host.id, want.key)
            assert one_sample is not None
            assert other_sample is not None, want
            if PROBES[want.probe].text_from:
                assert "cannot be asked through another host" in other_sample.error
                continue
            assert other_sample.error == "", want
            assert bool(other_sample.unavailable) == bool(one_sample.unavailable), want
            if want.probe in steady:
                assert bool(other_sample.rows) == bool(one_sample.rows), want
    assert any("asked through one host" in banner.text for banner in status(through).banners)


def test_a_dead_host_is_named_when_asked_through_another(modern: ModernRig, counted: str) -> None:
    modern.nodes[3].kill()
    seeds = (Endpoint("127.0.0.1", modern.http_ports[0]),)
    began = time.monotonic()
    snapshot = collected(modern.effective("admin", access="through", seeds=seeds))
    took = time.monotonic() - began
    assert [host.id for host in snapshot.hosts] == ids(modern)
    errors = [host.error for host in snapshot.hosts]
    assert [state.answers for state in states(snapshot)] == [True, True, True, False], errors
    assert f"did not answer through 127.0.0.1:{modern.http_ports[0]}" in errors[3]
    assert rows_of(snapshot, counted) == [1, 2, 3, None]
    assert assess(snapshot).exit_code == 2
    assert took < COLLECT_SECONDS - 1, "who is missing has failed everything: nothing is left to wait for"


def test_a_reader_asking_through_another_is_never_told_that_all_is_well(modern: ModernRig) -> None:
    # A user with readonly = 1 may not set skip_unavailable_shards: one dead host fails the question to all.
    modern.nodes[3].kill()
    seeds = (Endpoint("127.0.0.1", modern.http_ports[0]),)
    snapshot = collected(modern.effective(access="through", seeds=seeds), WANTS)
    assert not states(snapshot)[3].answers
    assert str(modern.ports[3]) in snapshot.hosts[3].error
    assert assess(snapshot).exit_code == 2


@pytest.mark.timeout(60)
def test_an_unknown_cluster_lists_those_there_are_at_once(modern: ModernRig) -> None:
    snapshot = collected(modern.effective(cluster="no_such"), (STATE,), 600.0)
    assert snapshot.hosts == ()
    assert (
        f"cluster 'no_such' does not exist; the server knows: {CLUSTER}, {SOURCE_CLUSTER}; choose one"
        in snapshot.error
    )
    assert assess(snapshot).exit_code == 3


def test_other_clusters_and_none(modern: ModernRig) -> None:
    first, second, third, _ = modern.ports

    def add_clusters(tree: ElementTree.Element) -> None:
        servers = tree.find("remote_servers")
        assert servers is not None
        for name, shards in (("pair", [[first, third]]), ("ring", [[first, second], [second, first]])):
            cluster = ElementTree.SubElement(servers, name)
            for ports in shards:
                shard = ElementTree.SubElement(cluster, "shard")
                for port in ports:
                    replica = ElementTree.SubElement(shard, "replica")
                    ElementTree.SubElement(replica, "host").text = "127.0.0.1"
                    ElementTree.SubElement(replica, "port").text = str(port)

    def drop_clusters(tree: ElementTree.Element) -> None:
        servers = tree.find("remote_servers")
        assert servers is not None
        tree.remove(servers)

    with reconfigured(modern, {0: add_clusters, 1: add_clusters, 2: add_clusters, 3: drop_clusters}):
        seeds = (Endpoint("127.0.0.1", modern.http_ports[0]),)
        for name, expected in (("pair", [first, third]), ("ring", [first, second])):
            snapshot = collected(modern.effective(cluster=name, seeds=seeds), (STATE,))
            assert snapshot.clusters == (CLUSTER, SOURCE_CLUSTER, "pair", "ring")
            assert [host.id.port for host in snapshot.hosts] == expected
            assert up(snapshot), [host.error for host in snapshot.hosts]
        largest = collected(modern.effective(cluster=None, seeds=seeds), (STATE,))
        assert (largest.cluster, len(largest.hosts)) == (CLUSTER, 4)
        # The last server knows no cluster, so it cannot prove which host of one it is.
        assert states(largest)[3] is HostState.MISMATCH
        lonely = (Endpoint("127.0.0.1", modern.http_ports[3]),)
        none = collected(modern.effective(cluster=None, seeds=lonely), (STATE,))
        assert (none.hosts, none.clusters) == ((), ())
        assert f"127.0.0.1:{modern.http_ports[3]}: the server knows no cluster" in none.error
        wanted = collected(modern.effective(seeds=lonely), (STATE,))
        assert f"cluster '{CLUSTER}' does not exist; the server knows: none" in wanted.error


def test_who_sees_only_a_part_is_told(modern: ModernRig, counted: str) -> None:
    snapshot = collected(modern.effective("blind"))
    assert [host.sees_all_tables for host in snapshot.hosts] == [False] * 4
    assert snapshot.partly_blind == tuple(ids(modern))
    assert rows_of(snapshot, counted) == [None] * 4
    assessment = assess(snapshot)
    assert (assessment.findings, assessment.exit_code) == ((), 3)
    blind = [item.host for item in assessment.unchecked if item.what == "all tables"]
    assert blind == ids(modern)
    (banner,) = status(snapshot).banners
    assert banner.text == (
        "this user sees only part of the tables: an empty pane proves nothing; GRANT SHOW ON *.*"
    )
    healthy = collected(modern.effective(), WANTS)
    assert status(healthy).banners == ()
    assert assess(healthy).exit_code == 0, assess(healthy)


def test_a_wrong_password_everywhere_and_on_one_host(modern: ModernRig) -> None:
    found = modern.effective()
    wrong = Credentials("oncall", Secret.literal("not-the-password", "test"))
    snapshot = collected(replace(found, profile=replace(found.profile, credentials=wrong)), (STATE,), 4)
    assert snapshot.hosts == ()
    assert "the server refuses this user or password (Code 516)" in snapshot.error
    assert "not-the-password" not in snapshot.error
    with WrongPassword("127.0.0.1", modern.http_ports[3]) as forwarder:
        addresses = {**modern.addresses(), str(ids(modern)[3]): f"127.0.0.1:{forwarder.port}"}
        found = modern.effective(
            seeds=(Endpoint("127.0.0.1", modern.http_ports[0]),), http_addresses=MappingProxyType(addresses)
        )
        snapshot = collected(found, (STATE,))
    assert states(snapshot)[3] is HostState.AUTH_FAILED
    assert all(state.answers for state in states(snapshot)[:3])
    assert assess(snapshot).exit_code == 2


class WrongPassword(TcpForwarder):
    """Spoils the password of every request that passes."""

    def request_filter(self) -> Filter:
        def spoil(data: bytes) -> bytes:
            head, mark, secret = data.partition(b"Basic ")
            end = secret.find(b"\r\n")
            # Another last letter of the password, in whichever of its four places in base64 it stands.
            return head + mark + secret[: end - 6] + b"QUFB" + secret[end - 2 :] if mark else data

        return spoil


def test_a_reader_sends_reads_and_no_settings(modern: ModernRig) -> None:
    with query_log(modern, 0, "oncall") as logged:
        assert up(collected(modern.effective()))
    assert len(logged) > len(PROBES) / 2
    assert {entry.kind for entry in logged} == {"Select", "Check"}
    # The embedded engine has no Keeper, and says so to whoever asks for the DDL queue.
    assert {entry.exception_code for entry in logged} == {0, 139}
    assert [entry.settings.keys() & OUR_SETTINGS for entry in logged] == [set()] * len(logged)
    assert {entry.settings["readonly"] for entry in logged} == {"1"}


def test_a_writer_s_queries_are_bounded_and_read_only(modern: ModernRig) -> None:
    with query_log(modern, 0, "admin") as logged:
        assert up(collected(modern.effective("admin")))
    named = [entry for entry in logged if entry.query_id.startswith("chtui-")]
    ours = [entry for entry in named if not entry.query.startswith(LOGIN)]
    assert len(ours) > len(PROBES) / 2
    assert {entry.kind for entry in ours} == {"Select", "Check"}
    for entry in ours:
        assert (entry.settings["readonly"], entry.settings["max_threads"]) == ("1", "1"), entry.query
        assert 1 <= int(entry.settings["max_execution_time"]) <= 20, entry.query
        assert entry.settings["log_comment"] == "chtui"


def test_every_query_bears_our_query_id(modern: ModernRig) -> None:
    with query_log(modern, 0, "oncall") as logged:
        assert up(collected(modern.effective(), (STATE,)))
    assert [entry.query for entry in logged if not entry.query_id.startswith("chtui-")] == []
    assert len({entry.query_id for entry in logged}) == len(logged)
