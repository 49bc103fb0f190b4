"""The queues pane's facts and rows, from records made by hand."""

from __future__ import annotations

import re
from typing import Any

import pytest

from chtui.monitor.probe import Context
from chtui.monitor.probes import PROBES
from chtui.monitor.snapshot import Snapshot
from chtui.profile.model import Thresholds
from chtui.records import KEEPER, Sample
from chtui.records.queues import (
    QueueEntry,
    QueueEntryDetail,
    QueueGroup,
    QueueTable,
)
from chtui.text import UNSAFE
from chtui.views import panes
from chtui.views.queues.causes import CAUSES
from chtui.views.queues.entries import partition_of
from chtui.views.table import Link
from tests.unit.hand import HOSTILE, A, B, C, blank, good, summary
from tests.unit.hand_queues import facts, fetch, given, keeper_entry, keys, send, table

LOST = "No active replica has part 202601_1_1_0"


def group(**values: Any) -> QueueGroup:
    common = {"database": "d", "table": "t", "type": "GET_PART", "cause": "fetch failing", "entries": 1}
    return blank(QueueGroup, **{**common, **values})


def home(host_path: str = "/p/r1") -> QueueTable:
    return QueueTable("d", "t", host_path)


# Groups


def test_groups_are_joined_over_hosts_and_the_worst_comes_first() -> None:
    view = given(
        {
            (A, "queue_groups"): good(
                group(cause="waiting on merge pool", type="MERGE_PARTS", entries=900),
                group(entries=2, oldest_age_seconds=10, max_tries=5, max_postponed=1, sample="few tries"),
            ),
            (B, "queue_groups"): good(
                group(
                    entries=3, oldest_age_seconds=70, max_tries=200, executing_entries=1, sample="many tries"
                ),
                group(cause="disk full", entries=1),
            ),
            (A, "queue_tables"): good(home()),
            (B, "queue_tables"): good(home()),
            (C, "queue_tables"): good(home()),
        },
        A,
        B,
        C,
    )
    found = facts(view, "queues")
    assert [fact.cause for fact in found] == ["disk full", "fetch failing", "waiting on merge pool"]
    failing = found[1]
    assert (failing.database, failing.table, failing.type, failing.entries) == ("d", "t", "GET_PART", 5)
    assert (failing.oldest_age_seconds, failing.max_tries, failing.max_postponed) == (70, 200, 1)
    assert (failing.executing_entries, failing.hosts) == (1, (str(A), str(B)))
    assert (failing.affected_replicas, failing.total_replicas, failing.affected_ratio) == (2, 3, 2 / 3)
    assert (failing.sample_host, failing.sample) == (str(B), "many tries")
    assert found[0].sample is None


def test_how_many_replicas_there_are_is_none_until_a_host_has_told() -> None:
    (fact,) = facts(given({(A, "queue_groups"): good(group())}), "queues")
    assert (fact.affected_replicas, fact.total_replicas, fact.affected_ratio) == (1, None, None)


def test_a_groups_row_leads_to_its_table_and_hosts() -> None:
    view = given(
        {
            (A, "queue_groups"): good(group(max_tries=101, max_postponed=1001, oldest_age_seconds=90_000, sample=LOST)),
            (A, "queue_tables"): good(home()),
        }
    )  # fmt: skip
    (row,) = table(view, "queues").rows
    assert [item.text for item in row.cells] == [
        "d.t", "fetch failing", "1", "1d 1h", "1/1", "GET_PART", "101", "1001", "0", str(A), LOST,
    ]  # fmt: skip
    assert [item.style for item in row.cells[1:8]] == [
        "critical",
        "",
        "critical",
        "",
        "",
        "critical",
        "warning",
    ]
    assert row.link == Link("queue", ("d", "t"))
    assert row.links == (("table d.t", Link("table", ("d", "t"))), (f"host {A}", Link("host", (str(A),))))
    assert row.copy == LOST


@pytest.mark.parametrize(("tries", "style"), [(10, ""), (11, "warning"), (100, "warning"), (101, "critical")])
def test_tries_are_judged(tries: int, style: str) -> None:
    (row,) = table(given({(A, "queue_groups"): good(group(max_tries=tries))}), "queues").rows
    assert row.cells[6].style == style


def test_every_cause_of_the_statements_is_ranked_and_both_tell_the_same() -> None:
    told = []
    for name in ("queue_groups", "queue_entries"):
        text = PROBES[name].statement.text
        told.append(text[text.index("WITH") : text.index("SELECT")])
        told.append(text[text.index("    multiIf(\n") : text.index(" AS cause")])
    assert told[:2] == told[2:]
    mapped = re.findall(r"'([^']*)'", told[0].split("[", 2)[2])
    plain = re.findall(r"'([a-zK][a-zA-Z ]+)'", told[1])
    assert (set(mapped) | set(plain)) - {"", "GET_PART"} == set(CAUSES)


def test_queues_are_read_only_while_the_summary_counts_entries() -> None:
    def asked(sample: Sample | None) -> Any:
        return PROBES["queue_groups"].params(Context(Thresholds(), lambda _: sample, peer_missing=False))

    assert asked(None) == {}
    assert asked(Sample(unavailable="no such table")) == {}
    assert asked(good(summary(queue_entries=1))) == {}
    assert asked(good(summary(queue_entries=0))) is None


# One table's entries


def entry(**values: Any) -> QueueEntry:
    common = {
        "node_name": "queue-1",
        "type": "GET_PART",
        "new_part_name": "202601_1_1_0",
        "cause": "fetch failing",
    }
    return blank(QueueEntry, **{**common, **values})


SUBJECT = ("d", "t")
ENTRIES = "queue_entries?database=d&table=t"


def test_entries_of_a_table() -> None:
    view = given(
        {
            (A, ENTRIES): good(
                entry(cause="not tried yet", attempt_age_seconds=-1, new_part_name="", age_seconds=900),
                entry(node_name="queue-2", exception=LOST, reason="put off", num_tries=7, age_seconds=5),
            ),
            (B, ENTRIES): good(entry(age_seconds=50, is_executing=True, attempt_age_seconds=4000)),
            (A, "queue_tables"): good(home()),
        }
    )
    found = facts(view, "queue", "", SUBJECT)
    assert [(fact.host, fact.cause) for fact in found] == [
        (str(B), "fetch failing"), (str(A), "fetch failing"), (str(A), "not tried yet"),
    ]  # fmt: skip
    running, lost, untried = found
    assert (running.is_executing, running.attempt_age_seconds, running.znode) == (True, 4000, None)
    assert (lost.exception, lost.postpone_reason, lost.partition_id) == (LOST, "put off", "202601")
    assert (lost.znode, lost.num_tries) == ("/p/r1/queue/queue-2", 7)
    assert (untried.attempt_age_seconds, untried.exception, untried.partition_id) == (None, None, None)
    rows = table(view, "queue", "", SUBJECT).rows
    assert [item.text for item in rows[0].cells[6:8]] == ["", "1h 6m"]
    assert rows[0].cells[7].style == "warning"
    assert rows[1].copy == LOST
    assert rows[1].link == Link("queue_entry", ("d", "t", str(A), "queue-2"))
    assert [link for _, link in rows[1].links] == [
        Link("table", SUBJECT),
        Link("partition", (*SUBJECT, "202601")),
        Link("host", (str(A),)),
        Link("znode", ("/p/r1/queue/queue-2",)),
    ]
    assert [link.page for _, link in rows[2].links] == ["table", "host", "znode"]


@pytest.mark.parametrize(
    ("part", "partition"),
    [("202601_1_1_0", "202601"), ("all_0_5_1_7", "all"), ("20260101_20260131_3_4_1", "202601"), ("", None),
     ("20260101_0_0_0", "20260101"), ("202601_0_5_999999999", "202601")],
)  # fmt: skip
def test_the_partition_of_a_part(part: str, partition: str | None) -> None:
    assert partition_of(part) == partition


DETAIL = (*SUBJECT, str(A), "queue-1")


def detail(**values: Any) -> Snapshot:
    common = {
        "parts_to_merge": ("a_1", "a_2"),
        "merge_type": None,
        "attempt_age_seconds": 3,
        "postponed_age_seconds": -1,
    }
    row = blank(QueueEntryDetail, **{**common, "new_part_name": "202601_1_1_0", **values})
    key = "queue_entry?database=d&table=t&node_name=queue-1"
    return given({(A, key): good(row), (A, "queue_tables"): good(home())})


def test_an_entry_whole() -> None:
    text = f"{LOST} " * 40
    view = detail(last_exception=text, num_tries=9, is_executing=True)
    (fact,) = facts(view, "queue_entry", "", DETAIL)
    assert (fact.exception, fact.postpone_reason, fact.postponed_age_seconds) == (text, None, None)
    assert (fact.znode, fact.parts_to_merge, fact.partition_id) == (
        "/p/r1/queue/queue-1",
        ("a_1", "a_2"),
        "202601",
    )
    rows = table(view, "queue_entry", "", DETAIL).rows
    said = [row.cells[1].text for row in rows if row.key.startswith("exception ")]
    assert " ".join(said) == text.strip()
    assert max(map(len, said)) <= 58
    assert {row.copy for row in rows if row.key.startswith("exception ")} == {text}
    shown = {row.cells[0].text: row.cells[1].text for row in rows}
    assert shown["tries"] == "9, the last 3s ago"
    assert shown["postponed"] == "0 times, the last never"
    assert shown["state"] == "runs now"
    assert [row.cells[1].text for row in rows if row.key.startswith("parts to merge")] == ["a_1", "a_2"]


def test_an_entry_that_is_gone_and_a_host_that_is_none() -> None:
    gone = given({(A, "queue_entry?database=d&table=t&node_name=queue-1"): good()})
    assert table(gone, "queue_entry", "", DETAIL).empty.startswith("the entry is not in the queue any more")
    assert facts(gone, "queue_entry", "", ("d", "t", "no host", "queue-1")) == ()


# All of it


def test_nothing_is_said_where_nothing_is() -> None:
    probes = ("queue_groups", "replicated_fetches", "distribution_queue", "ddl_entries")
    view = given(
        {**{(host, name): good() for host in (A, B) for name in probes}, (KEEPER, "ddl_queue"): good()}
    )
    assert [table(view, "queues", part.name).empty for part in panes.page("queues").parts] == [
        "the replication queues are empty",
        "no part is being fetched",
        "no Distributed table has anything to send",
        "nothing was sent with ON CLUSTER",
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_drawn_inert(name: str) -> None:
    view = given(
        {
            (A, "queue_groups"): good(group(database=name, table=name, type=name, cause=name, sample=name)),
            (A, f"queue_entries?database={name}&table={name}"): good(
                entry(
                    new_part_name=name,
                    exception=name,
                    reason=name,
                    type=name,
                    cause=name,
                    source_replica=name,
                )
            ),
            (A, f"queue_entry?database={name}&table={name}&node_name={name}"): good(
                blank(
                    QueueEntryDetail,
                    parts_to_merge=(name,),
                    merge_type=name,
                    last_exception=name,
                    replica_name=name,
                )
            ),
            (A, "replicated_fetches"): good(fetch(table=name, result_part_name=name, source_host_name=name)),
            (A, "distribution_queue"): good(send(table=name, destination=name, files=1, last_exception=name)),
            (KEEPER, "ddl_queue"): good(keeper_entry(entry=name, query=name, hosts=(name,), initiator=name)),
        }
    )
    shown = [
        ("queues", "groups", ()),
        ("queues", "fetches", ()),
        ("queues", "sends", ()),
        ("queues", "ddl", ()),
        ("queue", "", (name, name)),
        ("queue_entry", "", (name, name, str(A), name)),
        ("ddl_entry", "", (name,)),
    ]  # fmt: skip
    for page, part, subject in shown:
        rows = table(view, page, part, subject).rows
        assert rows, page
        for text in (item.text for row in rows for item in row.cells):
            assert not UNSAFE.search(text), (page, text)


def test_the_json_keys_are_a_contract() -> None:
    assert keys("queues") == [
        "database", "table", "type", "cause", "entries", "executing_entries", "oldest_age_seconds", "max_tries",
        "max_postponed", "hosts", "affected_replicas", "total_replicas", "affected_ratio", "sample_host", "sample",
    ]  # fmt: skip
    assert keys("queues", "fetches") == [
        "host", "database", "table", "result_part_name", "partition_id", "source_replica", "source_host",
        "progress_ratio", "bytes_per_second", "total_size_bytes", "read_bytes", "elapsed_seconds", "remaining_seconds",
        "to_detached",
    ]  # fmt: skip
    assert keys("queues", "sends") == [
        "host", "database", "table", "destination", "files", "files_bytes", "files_per_second", "bytes_per_second",
        "remaining_seconds", "errors", "is_blocked", "broken_files", "broken_bytes", "exception",
        "exception_age_seconds",
    ]  # fmt: skip
    assert keys("queues", "ddl") == [
        "entry", "source", "state", "age_seconds", "initiator", "total_hosts", "finished_hosts", "active_hosts",
        "missing_hosts", "failed_hosts", "exception", "query",
    ]  # fmt: skip
    assert keys("queue") == [
        "host", "node_name", "type", "new_part_name", "partition_id", "source_replica", "cause", "age_seconds",
        "attempt_age_seconds", "num_tries", "num_postponed", "is_executing", "exception", "postpone_reason", "znode",
    ]  # fmt: skip
    assert keys("queue_entry") == [
        "host", "node_name", "type", "new_part_name", "partition_id", "replica_name", "source_replica",
        "parts_to_merge", "required_quorum", "is_detach", "merge_type", "is_executing", "position", "age_seconds",
        "num_tries", "attempt_age_seconds", "num_postponed", "postponed_age_seconds", "exception", "postpone_reason",
        "znode",
    ]  # fmt: skip
    assert keys("ddl_entry") == [
        "entry", "source", "host", "state", "age_seconds", "duration_seconds", "exception_code", "exception", "query",
    ]  # fmt: skip
