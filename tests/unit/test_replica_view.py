"""One Replicated table's pages and one host's, as facts and rows of records made by hand."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import pytest

from chtui.monitor.probes import PROBES, sample_key
from chtui.monitor.snapshot import Snapshot
from chtui.records import KEEPER, HostState, Sample
from chtui.records.keeper import ReplicaMember
from chtui.records.replicas import ReplicaRequests, ReplicaState
from chtui.records.tables import TableEngine, TablePartition
from chtui.text import NEVER_SECONDS
from chtui.views import replica
from chtui.views.pages import Part, table, unavailable
from chtui.views.panes import page
from chtui.views.replica import compare as replica_compare
from chtui.views.replica import members as replica_set
from chtui.views.table import Link
from tests.support import replace
from tests.unit.hand import HOSTILE, A, B, C, D, blank, good, snapshot, status

SUBJECT = ("shop", "orders")
NAMED = (("database", "shop"), ("table", "orders"))
STATE_KEY = sample_key("replica_state", NAMED)
REQUESTS_KEY = sample_key("replica_requests", NAMED)
PATH = "/clickhouse/tables/1/orders"
SET_KEY = sample_key("replica_set", (("zookeeper_path", PATH),))
PARTITIONS_KEY = sample_key("table_partitions", (*NAMED, ("partition_id", "")))
ENGINES_KEY = sample_key("table_engines", NAMED)
STATE = blank(ReplicaState, zookeeper_path=PATH, replica_name="r1", oldest_queue_entry_seconds=None)
REQUESTS = blank(
    ReplicaRequests, replica_name="r1", total_replicas=2, active_replicas=2, log_max_index=9, log_pointer=10
)
KEYS = {
    (
        "replica",
        "replicas",
    ): "host shard_num replica_num state replica_name zookeeper_path is_leader is_readonly readonly_seconds "
    "is_session_expired absolute_delay_seconds queue_entries inserts_in_queue merges_in_queue mutations_in_queue parts_to_check "
    "future_parts oldest_queue_entry_seconds last_queue_update_seconds last_queue_update_exception",
    (
        "replica",
        "keeper",
    ): "host shard_num replica_name total_replicas active_replicas log_max_index log_pointer log_lag_entries "
    "lost_part_count zookeeper_exception",
    (
        "replica",
        "compare",
    ): "partition_id shard_num host rows rows_lacking is_different active_parts bytes_on_disk newest_part_seconds",
    (
        "replica_set",
        "members",
    ): "zookeeper_path replica_name is_active host host_state database table session log_pointer "
    "log_lag_entries",
    (
        "host",
        "tables",
    ): "database table engine parts rows bytes_on_disk is_replicated is_readonly is_session_expired never_synced "
    "absolute_delay_seconds queue_entries",
    ("host", "errors"): "kind name code count new last_error_age_seconds message",
    ("host", "figures"): "name value unit why",
}


def part_of(name: str, part_name: str = "") -> Part:
    part = page(name).part(part_name)
    assert part is not None
    return part


def seen(**samples: Sample) -> Snapshot:
    """What host A gives."""
    return snapshot(status(A), samples={(A, name): sample for name, sample in samples.items()})


@pytest.mark.parametrize(("name", "part_name"), KEYS)
def test_the_keys_of_the_json(name: str, part_name: str) -> None:
    assert [field.name for field in fields(part_of(name, part_name).record)] == KEYS[name, part_name].split()


# Replicas


def test_a_table_on_every_host() -> None:
    found = snapshot(
        status(A),
        status(B, shard_num=1, replica_num=2),
        status(C, shard_num=2),
        status(D, HostState.HUNG, shard_num=2, replica_num=2),
        samples={
            (A, STATE_KEY): good(replace(STATE, queue_entries=4, oldest_queue_entry_seconds=90)),
            (B, STATE_KEY): good(replace(STATE, is_readonly=True, absolute_delay_seconds=NEVER_SECONDS + 1, readonly_seconds=5)),
            (C, STATE_KEY): good(),
        },
    )  # fmt: skip
    facts = replica.replica_facts(found, SUBJECT)
    assert [(fact.host, fact.state) for fact in facts] == [
        (str(A), "ok"), (str(B), "readonly"), (str(C), "not there"), (str(D), "unknown"),
    ]  # fmt: skip
    assert (facts[0].queue_entries, facts[0].oldest_queue_entry_seconds, facts[0].absolute_delay_seconds) == (
        4,
        90,
        0,
    )
    assert (facts[1].readonly_seconds, facts[1].absolute_delay_seconds) == (5, None)
    assert (facts[2].replica_name, facts[2].queue_entries) == (None, None)
    rows = table(part_of("replica"), found, SUBJECT).rows
    assert rows[0].link == Link("replica_set", (PATH,))
    assert ("znode " + PATH, Link("znode", (PATH,))) in rows[0].links
    assert rows[2].link is None


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "ok"),
        ({"is_session_expired": True}, "session expired"),
        ({"is_session_expired": True, "is_readonly": True}, "readonly"),
        ({"absolute_delay_seconds": NEVER_SECONDS}, "never synced"),
    ],
)
def test_states_of_a_replica(changes: dict[str, int], word: str) -> None:
    (fact,) = replica.replica_facts(seen(**{STATE_KEY: good(replace(STATE, **changes))}), SUBJECT)
    assert fact.state == word


def test_a_table_that_is_not_replicated_has_no_rows() -> None:
    found = seen(**{STATE_KEY: good()})
    assert replica.replica_facts(found, SUBJECT) == ()
    assert (
        table(part_of("replica"), found, SUBJECT).empty
        == "this is no Replicated table, or this user may not see it"
    )


def test_what_keeper_told_worst_first() -> None:
    found = snapshot(
        status(A),
        status(B),
        status(C),
        samples={
            (A, REQUESTS_KEY): good(REQUESTS),
            (B, REQUESTS_KEY): good(replace(REQUESTS, active_replicas=1)),
            (C, REQUESTS_KEY): good(replace(REQUESTS, log_lag_entries=7, zookeeper_exception="")),
        },
    )
    facts = replica.keeper_facts(found, SUBJECT)
    assert [fact.host for fact in facts] == [str(B), str(C), str(A)]
    assert facts[1].zookeeper_exception is None
    part = part_of("replica", "keeper")
    assert [row.cells[1].text for row in table(part, found, SUBJECT).rows] == ["1/2", "2/2", "2/2"]
    assert (
        table(part, found, SUBJECT, is_asked=False).empty
        == "press enter to ask: several Keeper requests a host"
    )


def test_only_the_part_on_demand_wants_what_costs_keeper_requests() -> None:
    costly = [
        part.name
        for part in page("replica").parts
        if "replica_requests" in {want.probe for want in part.wants(SUBJECT)}
    ]
    assert costly == ["keeper"]
    for name in (
        "log_max_index",
        "log_pointer",
        "total_replicas",
        "active_replicas",
        "lost_part_count",
        "zookeeper_exception",
    ):
        assert name not in PROBES["replica_state"].statement.text
        assert name in PROBES["replica_requests"].statement.text


# The replica set


def test_dead_peers_of_the_set_come_first() -> None:
    alive = ReplicaMember(PATH, "r1", True, "0x1", 10, str(A), "shop", "orders")
    dead = ReplicaMember(PATH, "r9", False, "", 4, "gone.example:9000", "shop", "orders")
    blank_one = ReplicaMember(PATH, "r5", False)
    found = snapshot(status(A), samples={(KEEPER, SET_KEY): good(alive, dead, blank_one)})
    first, second, third = replica_set.member_facts(found, (PATH,))
    assert (first.replica_name, first.is_active, first.log_lag_entries, first.host_state) == (
        "r9",
        False,
        6,
        None,
    )
    assert (second.replica_name, second.host, second.log_lag_entries, second.session) == (
        "r5",
        None,
        None,
        None,
    )
    assert (third.replica_name, third.host_state, third.session, third.log_lag_entries) == (
        "r1",
        "up",
        "0x1",
        0,
    )
    rows = table(part_of("replica_set"), found, (PATH,)).rows
    assert [row.cells[1].text for row in rows] == ["DEAD", "DEAD", "active"]
    assert rows[0].link == Link("znode", (f"{PATH}/replicas/r9",))
    assert rows[0].links == (("replicas of shop.orders", Link("replica", SUBJECT)),)
    assert rows[1].links == ()
    assert rows[2].links[0] == (f"host {A}", Link("host", (str(A),)))


def test_a_set_that_cannot_be_read_says_why() -> None:
    lost = good()._replace(taken_at=None, error="no quorum")
    found = snapshot(status(A), samples={(KEEPER, SET_KEY): lost})
    part = part_of("replica_set")
    assert table(part, found, (PATH,)).empty == "not known: no quorum"
    assert "no quorum" in unavailable(part, found, (PATH,))["*"]


# Rows of each replica

DAY = datetime(2026, 1, 1, tzinfo=UTC)
PARTITION = blank(
    TablePartition,
    partition_id="202601",
    rows=100,
    active_parts=3,
    newest_part_seconds=60,
    min_time=DAY,
    max_time=DAY,
)


def compared(
    *rows: tuple[TablePartition, ...], apart: float = 0.0, down: bool = False
) -> dict[str, tuple[int | None, bool | None]]:
    """What hosts A, B, C lack of partition 202601: A and B are replicas of shard 1, C of shard 2."""
    statuses = (
        status(A),
        status(B, HostState.DOWN if down else HostState.UP, replica_num=2),
        status(C, shard_num=2),
    )
    samples = {
        (host, PARTITIONS_KEY): good(*given, age=age)
        for host, given, age in zip((A, B, C), rows, (0.0, apart, 0.0), strict=True)
    }
    engine = TableEngine("shop", "orders", "ReplicatedMergeTree")
    found = snapshot(
        *statuses, samples={**samples, **{(host, ENGINES_KEY): good(engine) for host in (A, B, C)}}
    )
    facts = replica_compare.compare_facts(found, SUBJECT)
    return {fact.host: (fact.rows_lacking, fact.is_different) for fact in facts}


def test_replicas_of_a_shard_are_compared_with_each_other_only() -> None:
    fewer = replace(PARTITION, rows=90)
    other = replace(PARTITION, rows=5)
    assert compared((PARTITION,), (fewer,), (other,)) == {
        str(B): (10, True), str(A): (0, False), str(C): (None, None),
    }  # fmt: skip
    assert next(iter(compared((fewer,), (PARTITION,), (other,)))) == str(A)


def test_a_replica_without_the_partition_lacks_all_of_it() -> None:
    assert compared((PARTITION,), (), ())[str(B)] == (100, True)


def test_what_is_still_on_its_way_is_no_difference() -> None:
    young = replace(PARTITION, newest_part_seconds=4)
    assert compared((young,), (replace(PARTITION, rows=90),), ())[str(B)] == (10, False)
    # The hosts were not asked at the same moment: what came in between is no difference either.
    assert compared((PARTITION,), (replace(PARTITION, rows=90),), (), apart=56.0)[str(B)] == (10, False)
    assert compared((PARTITION,), (replace(PARTITION, rows=90),), (), apart=54.0)[str(B)] == (10, True)


def test_a_host_that_does_not_answer_proves_nothing() -> None:
    found = compared((PARTITION,), (replace(PARTITION, rows=900),), (), down=True)
    assert found == {str(A): (None, None), str(B): (None, None)}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_drawn_inert(name: str) -> None:
    subject = (name, name)
    named = (("database", name), ("table", name))
    hostile_state = replace(STATE, zookeeper_path=name, replica_name=name, last_queue_update_exception=name)
    member = ReplicaMember(name, name, True, name, 1, name, name, name)
    found = snapshot(
        status(A),
        samples={
            (A, sample_key("replica_state", named)): good(hostile_state),
            (A, sample_key("replica_requests", named)): good(replace(REQUESTS, replica_name=name, zookeeper_exception=name)),
            (A, sample_key("table_partitions", (*named, ("partition_id", "")))): good(replace(PARTITION, partition_id=name)),
            (A, sample_key("table_engines", named)): good(),
            (KEEPER, sample_key("replica_set", (("zookeeper_path", name),))): good(member),
        },
    )  # fmt: skip
    for part, about in (
        *((part, subject) for part in page("replica").parts),
        (part_of("replica_set"), (name,)),
    ):
        rows = table(part, found, about).rows
        assert rows, part.name
        for cell in (cell for row in rows for cell in row.cells):
            assert not set(cell.text) & set("\x00\x07\x1b\x7f\x9b\n\r\t\u202e\u200b\ud800\U000e0041"), (
                part.name
            )
