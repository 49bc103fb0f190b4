"""The replicas pane without a screen."""

from __future__ import annotations

from typing import Any

import pytest

from chtui.monitor.snapshot import Snapshot
from chtui.records import (
    Disk,
    HostId,
    HostInfo,
    HostState,
    PartsSummary,
    ReplicaKeeperState,
    Sample,
    SuspectReplica,
)
from chtui.text import UNSAFE
from chtui.views import replicas
from chtui.views.pages import table as page_table
from chtui.views.panes import page
from chtui.views.replicas import facts, fullest
from chtui.views.table import Cell, Table
from tests.unit.hand import HOSTILE, NOW, A, B, C, ago, blank, good, snapshot, status, summary


def table(given: Snapshot) -> Table:
    return page_table(page("replicas").parts[0], given, ())


def rows(host: HostId = A, **given: Any) -> dict[tuple[HostId, str], Sample]:
    return {(host, probe): good(record) for probe, record in given.items()}


def one(state: HostState = HostState.UP, answered: float = 0.0, **given: Any) -> Snapshot:
    return snapshot(status(A, state, answered_at=ago(answered)), samples=rows(**given))


def cells(given: Snapshot, index: int = 0) -> dict[str, Cell]:
    made = table(given)
    return {column.key: item for column, item in zip(made.columns, made.rows[index].cells, strict=True)}


def shown(given: Snapshot, key: str) -> tuple[str, str]:
    return cells(given)[key].text, cells(given)[key].style


def keeper(active: int, total: int) -> ReplicaKeeperState:
    return blank(ReplicaKeeperState, active_replicas=active, total_replicas=total)


def test_what_is_known_of_a_replica() -> None:
    given = snapshot(
        status(A, shard_num=2, replica_num=3, answered_at=ago(2)),
        samples=rows(
            host_state=HostInfo("26.9.2.1", 90061, NOW, "ch1"),
            replication_summary=summary(
                readonly_tables=1, expired_tables=2, never_synced_tables=3, max_delay_seconds=4, queue_entries=5,
                oldest_queue_entry_seconds=6,
            ),
            parts_summary=blank(PartsSummary, active_parts=7, max_parts_in_partition=8),
            disks=Disk("default", "/", None, 40, 100, 0),
            suspect_replicas=blank(SuspectReplica, is_readonly=True, last_queue_update_exception="No node"),
        ),
    )  # fmt: skip
    (fact,) = facts(given)
    assert (fact.shard_num, fact.replica_num, fact.host_name, fact.port) == (2, 3, "ch1.example", 9000)
    assert (fact.state, fact.state_seconds, fact.age_seconds, fact.version) == ("up", 120.0, 2.0, "26.9.2.1")
    assert (fact.uptime_seconds, fact.replicated_tables, fact.readonly_tables) == (90061, 10, 1)
    assert (fact.session_expired_tables, fact.never_synced_tables, fact.max_delay_seconds) == (2, 3, 4)
    assert (fact.queue_entries, fact.oldest_queue_entry_seconds) == (5, 6)
    assert (fact.active_parts, fact.max_parts_in_partition, fact.readonly_reason) == (7, 8, "No node")
    assert (fact.fullest_disk, fact.disk_used_ratio, fact.disk_free_bytes) == ("default", 0.6, 40)
    assert (fact.active_replicas, fact.total_replicas, fact.sees_all_tables) == (1, 1, True)


def test_what_is_not_known_is_none_and_shown_as_such() -> None:
    given = snapshot(
        status(A, HostState.CONNECTING, answered_at=None, since=None, round_trip_seconds=None, version="")
    )
    (fact,) = facts(given)
    unknown = ("state_seconds", "age_seconds", "version", "uptime_seconds", "replicated_tables", "readonly_tables",
               "max_delay_seconds", "queue_entries", "active_parts", "fullest_disk", "disk_used_ratio")  # fmt: skip
    assert [getattr(fact, name) for name in unknown] == [None] * len(unknown)
    made = cells(given)
    keys = ("version", "readonly_tables", "max_delay_seconds", "queue_entries", "active_parts", "disk_used_ratio",
            "uptime_seconds", "round_trip_seconds")  # fmt: skip
    assert {made[key].text for key in keys} == {"-"}
    assert {made[key].style for key in keys} == {"muted"}
    assert (made["state"].text, made["state"].style) == ("connecting", "warning")


@pytest.mark.parametrize(
    ("state", "text", "style"),
    [
        (HostState.UP, "up", "ok"),
        (HostState.SLOW, "slow 2m", "warning"),
        (HostState.CONNECTING, "connecting 2m", "warning"),
        (HostState.HUNG, "HUNG 2m", "critical"),
        (HostState.REFUSED, "REFUSED 2m", "critical"),
        (HostState.MISMATCH, "ANSWERS AS ANOTHER HOST 2m", "critical"),
    ],
)
def test_states(state: HostState, text: str, style: str) -> None:
    assert shown(one(state), "state") == (text, style)
    assert cells(one(state))["state"].sort == state.severity


@pytest.mark.parametrize(
    ("values", "text", "style"),
    [
        ({"tables": 0}, "none", "muted"),
        ({}, "0/10", ""),
        ({"readonly_tables": 3}, "3/10", "critical"),
    ],
)
def test_readonly_tables(values: dict[str, int], text: str, style: str) -> None:
    assert shown(one(replication_summary=summary(**values)), "readonly_tables") == (text, style)


@pytest.mark.parametrize(
    ("values", "text", "style"),
    [
        ({"tables": 0}, "-", "muted"),
        ({}, "0s", ""),
        ({"max_delay_seconds": 299}, "4m 59s", ""),
        ({"max_delay_seconds": 300}, "5m", "warning"),
        ({"max_delay_seconds": 600}, "10m", "critical"),
        ({"max_delay_seconds": 7, "never_synced_tables": 1}, "never synced", "critical"),
    ],
)
def test_lag(values: dict[str, int], text: str, style: str) -> None:
    assert shown(one(replication_summary=summary(**values)), "max_delay_seconds") == (text, style)


def test_never_synced_sorts_above_every_delay() -> None:
    never = cells(one(replication_summary=summary(never_synced_tables=1)))["max_delay_seconds"].sort
    late = cells(one(replication_summary=summary(max_delay_seconds=10_000_000)))["max_delay_seconds"].sort
    assert isinstance(never, int)
    assert isinstance(late, int)
    assert never > late


@pytest.mark.parametrize(
    ("entries", "style"), [(99, ""), (100, "warning"), (999, "warning"), (1000, "critical")]
)
def test_queues(entries: int, style: str) -> None:
    given = one(replication_summary=summary(queue_entries=entries, max_queue_entries=entries))
    assert shown(given, "queue_entries") == (str(entries), style)


@pytest.mark.parametrize(
    ("free", "text", "style"),
    [
        (201, "80 % 201 B", ""),
        (200, "80 % 200 B", "warning"),
        (50, "95 % 50 B", "critical"),
        (0, "100 % 0 B", "critical"),
    ],
)
def test_disks(free: int, text: str, style: str) -> None:
    assert shown(one(disks=Disk("d", "/", None, free, 1000, 0)), "disk_used_ratio") == (text, style)


def test_the_fullest_disk() -> None:
    small, full = Disk("small", "/", None, 90, 100, 0), Disk("full", "/", None, 10, 100, 0)
    assert fullest([small, full, Disk("s3", "/", "s3", 0, 0, 0)]) == full
    assert fullest([Disk("s3", "/", "s3", 0, 0, 0)]) is None
    assert fullest([]) is None


def test_replicas_of_a_shard_that_answer() -> None:
    hosts = (status(A), status(B, HostState.HUNG), status(C, shard_num=2))
    assert [(fact.active_replicas, fact.total_replicas) for fact in facts(snapshot(*hosts))] == [
        (1, 2),
        (1, 2),
        (1, 1),
    ]
    assert shown(snapshot(*hosts), "active_replicas") == ("1/2", "warning")


def test_keepers_count_holds_where_it_is_worse() -> None:
    hosts = (status(A), status(B))
    for state, text in (
        (keeper(1, 2), "1/2"),
        (keeper(1, 3), "1/3"),
        (keeper(2, 2), "2/2"),
        (keeper(3, 3), "2/2"),
    ):
        assert shown(snapshot(*hosts, samples=rows(replica_keeper_state=state)), "active_replicas")[0] == text


def test_old_figures_are_muted_and_alarms_stay() -> None:
    given = one(
        answered=6.1, replication_summary=summary(queue_entries=5, max_delay_seconds=700, readonly_tables=1)
    )
    assert shown(given, "queue_entries") == ("5", "muted")
    assert shown(given, "max_delay_seconds") == ("11m 40s", "critical")
    assert shown(given, "readonly_tables") == ("1/10", "critical")
    fresh = one(answered=6.0, replication_summary=summary(queue_entries=5))
    assert shown(fresh, "queue_entries") == ("5", "")


def test_why() -> None:
    assert shown(snapshot(status(A, HostState.DOWN, error="no route")), "error") == ("no route", "muted")
    suspect = blank(SuspectReplica, is_readonly=True, is_session_expired=True)
    readonly = one(suspect_replicas=suspect, replication_summary=summary(readonly_tables=1))
    assert shown(readonly, "error") == ("the Keeper session has expired", "muted")
    healed = one(suspect_replicas=suspect, replication_summary=summary())
    assert shown(healed, "error") == ("", "muted"), "the older of two samples does not speak of what is over"


def test_ports_are_shown_where_they_tell_hosts_apart() -> None:
    same = table(snapshot(status(A), status(B)))
    assert [row.cells[1].text for row in same.rows] == ["ch1.example", "ch2.example"]
    other = table(snapshot(status(HostId("::1", 9000)), status(HostId("::1", 9001))))
    assert [row.cells[1].text for row in other.rows] == ["[::1]:9000", "[::1]:9001"]
    assert [row.key for row in same.rows] == ["ch1.example:9000", "ch2.example:9000"]


def test_rows_sort_by_shard_and_replica_as_numbers() -> None:
    made = cells(snapshot(status(A, shard_num=10, replica_num=2)))
    assert (made["shard_num"].text, made["shard_num"].sort) == ("10/2", (10, 2))


def test_without_hosts_it_says_why() -> None:
    assert table(snapshot()).empty == "asking the seed hosts for the cluster ..."
    assert table(snapshot(error="seed: refused")).empty == "seed: refused"


def test_columns_are_facts_with_help() -> None:
    fields = set(replicas.ReplicaFact.__dataclass_fields__)
    assert {column.key for column in replicas.COLUMNS} <= fields
    assert all(column.help for column in replicas.COLUMNS)
    assert {name for names in replicas.UNAVAILABLE_FIELDS.values() for name in names} <= fields
    assert set(replicas.UNAVAILABLE_FIELDS) <= {want.probe for want in replicas.WANTS}
    assert page("replicas").parts[0].record is replicas.ReplicaFact


@pytest.mark.parametrize("name", HOSTILE)
def test_no_cell_of_a_hostile_cluster_holds_a_control_character(name: str) -> None:
    host = HostId(name, 9000)
    given = snapshot(
        status(host, HostState.DOWN, version=name, error=name),
        status(B),
        samples={
            **rows(
                B, suspect_replicas=blank(SuspectReplica, is_readonly=True, last_queue_update_exception=name)
            ),
            **rows(host, disks=Disk(name, name, name, 1, 2, 0)),
        },
    )
    texts = [item.text for row in table(given).rows for item in row.cells]
    assert len(texts) == 2 * len(replicas.COLUMNS)
    assert not [text for text in [*texts, table(snapshot(error=name)).empty] if UNSAFE.search(text)]
