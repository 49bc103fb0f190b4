"""The queues pane on ClickHouse 26.9: Distributed sends for real; what this engine cannot show from recorded rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from chtui import sql
from chtui.fleet.driver import Driver
from chtui.fleet.literal import Value
from chtui.session import Session, Watch
from chtui.views import panes
from chtui.views.panes import typed_link
from tests.engine import contract
from tests.engine.commands import command
from tests.engine.fleets import answers, collected, ids, reconfigured
from tests.engine.queue_texts import SAID, queue_of, reading
from tests.support import CLUSTER, ModernRig, fast, started, wait_until

WAIT = 120.0
LOCAL, ALL = "queues_test.rows", "queues_test.rows_all"


@pytest.fixture
def driver(modern: ModernRig) -> Iterator[Driver]:
    """The on-call user on the first host."""
    with contract.connected(modern.effective(), modern.http_ports[0]) as connection:
        yield connection


@pytest.fixture
def distributed(modern: ModernRig) -> Iterator[str]:
    """A Distributed table on the first host, which sends in the background, over a table on all of them; its name."""
    with reconfigured(modern, {0: send_in_background}):
        yield from distributed_table(modern)


def send_in_background(config: ElementTree.Element) -> None:
    """The embedded engine has no thread for it unless told so."""
    name = "background_distributed_schedule_pool_size"
    pool = config.find(name)
    (ElementTree.SubElement(config, name) if pool is None else pool).text = "2"


def distributed_table(modern: ModernRig) -> Iterator[str]:
    for index in range(4):
        modern.query(index, "CREATE DATABASE IF NOT EXISTS queues_test")
        modern.query(index, f"CREATE OR REPLACE TABLE {LOCAL} (n UInt64) ENGINE = MergeTree ORDER BY n")
    modern.query(
        0, f"CREATE OR REPLACE TABLE {ALL} AS {LOCAL} ENGINE = Distributed('{CLUSTER}', queues_test, rows, n)"
    )
    yield ALL
    modern.heal()
    for index in range(4):
        wait_until(lambda index=index: modern.query(index, "DROP DATABASE queues_test SYNC") == "", 60)  # type: ignore[misc]


def watched(session: Session, *words: str) -> Any:
    """Poll what a page's part needs; returns what gives its facts."""
    link = typed_link(words)
    part = panes.page(link.page).part(link.part)
    assert part is not None
    session.watch(words[0], Watch(lambda _: None, lambda _: None), part.wants(link.subject))
    return lambda: part.facts(session.snapshot, link.subject)


def shown(modern: ModernRig) -> list[dict[str, Any]]:
    """The rows that the real command prints."""
    with command() as chtui:
        password = chtui.password_file(modern.password("oncall"))
        seeds = json.dumps([f"127.0.0.1:{port}" for port in modern.http_ports])
        addresses = "\n".join(f'"{host}" = "{address}"' for host, address in modern.addresses().items())
        chtui.config(
            f'version = 1\n[profile.rig]\nhosts = {seeds}\ncluster = "{CLUSTER}"\nuser = "oncall"\n'
            f'password_file = "{password}"\n[profile.rig.http_addresses]\n{addresses}\n'
        )
        done = chtui("show", "queues.sends", "--json", "--timeout", "30", "--interval", "1")
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = json.loads(done.out)["rows"]
    return found


def test_sends_to_a_hung_host_fail_stop_and_drain(
    modern: ModernRig, distributed: str, sessions: list[Session]
) -> None:
    session = started(fast(modern.effective(), queues=1.0), sessions)
    facts = watched(session, "queues.sends")
    first = str(ids(modern)[0])

    def to(destination: str) -> Any:
        return next(
            (
                fact
                for fact in facts()
                if (f"{fact.database}.{fact.table}", fact.destination) == (distributed, destination)
            ),
            None,
        )

    modern.nodes[3].suspend()
    for number in range(3):
        modern.query(0, f"INSERT INTO {distributed} SELECT number FROM numbers({number * 10}, 10)")
    found = wait_until(
        lambda: (fact := to("shard2_replica2")) and fact.errors and fact, WAIT, "a failed send"
    )
    assert (found.host, found.is_blocked, found.broken_files, found.files) == (first, False, 0, 3)
    assert found.files_bytes > 0
    assert found.files_per_second == 0
    assert "Code: 209" in found.exception
    assert found.exception_age_seconds is not None
    assert 0 <= found.exception_age_seconds < WAIT
    assert facts()[0].errors > 0

    modern.query(0, f"SYSTEM STOP DISTRIBUTED SENDS {distributed}")
    wait_until(lambda: to("shard2_replica2").is_blocked, WAIT, "blocked sends")
    modern.query(0, f"INSERT INTO {distributed} SELECT number FROM numbers(100, 10)")
    grown = wait_until(
        lambda: (fact := to("shard2_replica2")) and (fact.files_per_second or 0) > 0 and fact,
        WAIT,
        "a file more",
    )
    assert (grown.files, grown.is_blocked) == (4, True)

    rows = [row for row in shown(modern) if f"{row['database']}.{row['table']}" == distributed]
    (row,) = (row for row in rows if row["destination"] == "shard2_replica2")
    assert (row["files"], row["is_blocked"], row["host"]) == (4, True, first)

    modern.nodes[3].resume()
    wait_until(lambda: answers(modern, 3), WAIT, "the resumed node")
    modern.query(0, f"SYSTEM START DISTRIBUTED SENDS {distributed}")
    modern.query(0, f"SYSTEM FLUSH DISTRIBUTED {distributed}")
    wait_until(lambda: to("shard2_replica2") is None, WAIT, "the drained queue")
    there = f"SELECT groupArray(n) FROM (SELECT n FROM {LOCAL} ORDER BY n)"
    assert modern.query(3, there) == modern.query(2, there) != "[]\n"


def test_queues_without_entries_are_not_read(modern: ModernRig) -> None:
    wants = [want for part in panes.page("queues").parts[:1] for want in part.wants(())]
    snapshot = collected(modern.effective(), wants)
    for host in snapshot.hosts:
        sample = snapshot.sample(host.id, "queue_groups")
        assert sample is not None
        assert (sample.rows, sample.error, sample.unavailable, sample.cost) == ((), "", "", None)
        assert sample.taken_at is not None


def test_the_ddl_queue_says_why_it_is_not_there(modern: ModernRig) -> None:
    wants = [want for part in panes.page("queues").parts[-1:] for want in part.wants(())]
    snapshot = collected(modern.effective(), wants)
    for host in snapshot.hosts:
        sample = snapshot.sample(host.id, "ddl_entries")
        assert sample is not None
        assert "Code 139" in sample.error + sample.unavailable


# Recorded rows


@pytest.mark.parametrize("name", ["monitor/queue_groups", "monitor/queue_entries"])
def test_texts_are_classified(driver: Driver, name: str) -> None:
    for said in SAID:
        statement = reading(sql.load(name), "system.replication_queue", queue_of([said]))
        params: dict[str, Value] = {"max_rows": 10, "database": "d", "table": "t"}
        answer = contract.ask(
            driver, statement, {column.name: params[column.name] for column in statement.params}
        )
        assert [row[answer.columns.index("cause")] for row in answer.rows] == [said.cause], said


def test_entries_are_grouped_on_the_server(driver: Driver) -> None:
    statement = reading(sql.load("monitor/queue_groups"), "system.replication_queue", queue_of(SAID))
    answer = contract.ask(driver, statement, {"max_rows": 1000})
    records = contract.records_of("monitor/queue_groups", answer)
    assert sum(record.entries for record in records) == len(SAID)
    assert {(record.type, record.cause) for record in records} == {(said.type, said.cause) for said in SAID}
    assert len(records) < len(SAID)
    (lost,) = (record for record in records if record.cause == "no replica has the part")
    assert (lost.entries, lost.max_tries, lost.oldest_age_seconds) == (2, 3, 600)
    assert lost.sample.startswith("Code: 234")


def test_a_fetch_in_flight(driver: Driver) -> None:
    row = (
        "SELECT 'd' AS database, 't' AS table, '202601_1_9_2' AS result_part_name, '202601' AS partition_id, "
        "'/clickhouse/tables/01/t/replicas/r2' AS source_replica_path, 'ch2' AS source_replica_hostname, "
        "toUInt16(9009) AS source_replica_port, 2.5 AS elapsed, 0.25 AS progress, "
        "toUInt64(4000) AS total_size_bytes_compressed, toUInt64(1000) AS bytes_read_compressed, "
        "toUInt8(0) AS to_detached"
    )
    statement = reading(sql.load("monitor/replicated_fetches"), "system.replicated_fetches", [row])
    (record,) = contract.records_of(
        "monitor/replicated_fetches", contract.ask(driver, statement, {"max_rows": 9})
    )
    assert record == ("d", "t", "202601_1_9_2", "202601", "r2", "ch2", 9009, 2.5, 0.25, 4000, 1000, False)


def ddl_row(host: str, status: str, code: int = 0, text: str = "") -> str:
    return (
        "SELECT 'query-0000000007' AS entry, toNullable('ch1') AS initiator_host, toNullable(toUInt16(9000)) AS initiator_port, "
        f"'CREATE TABLE x' AS query, now() - 60 AS query_create_time, toNullable('{host}') AS host, "
        f"toNullable(toUInt16(9000)) AS port, CAST('{status}', 'Nullable(Enum8(\\'Inactive\\' = 0, \\'Active\\' = 1, "
        "\\'Finished\\' = 2, \\'Removing\\' = 3, \\'Unknown\\' = 4))') AS status, "
        f"toNullable(toUInt16({code})) AS exception_code, toNullable('{text}') AS exception_text, "
        "toNullable(toUInt64(1500)) AS query_duration_ms"
    )


def test_the_ddl_queue_by_entry_and_by_host(driver: Driver) -> None:
    rows = [ddl_row("ch1", "Finished"), ddl_row("ch2", "Active"), ddl_row("ch3", "Inactive")]
    rows.append(ddl_row("ch4", "Finished", 57, "Table exists"))
    table = "system.distributed_ddl_queue"
    grouped = reading(sql.load("monitor/ddl_entries"), table, rows)
    (entry,) = contract.records_of("monitor/ddl_entries", contract.ask(driver, grouped, {"max_rows": 9}))
    assert (entry.entry, entry.initiator, entry.query) == ("query-0000000007", "ch1:9000", "CREATE TABLE x")
    assert 60 <= entry.age_seconds < 90
    assert sorted(entry.hosts) == ["ch1:9000", "ch2:9000", "ch3:9000", "ch4:9000"]
    assert sorted(entry.finished_hosts) == ["ch1:9000", "ch4:9000"]
    assert (list(entry.active_hosts), list(entry.failed_hosts)) == (["ch2:9000"], ["ch4:9000"])
    assert entry.exception_text == "Table exists"
    single = reading(sql.load("monitor/ddl_hosts"), table, rows)
    answer = contract.ask(driver, single, {"entry": "query-0000000007", "max_rows": 9})
    hosts = contract.records_of("monitor/ddl_hosts", answer)
    assert [(host.host, host.status, host.exception_code) for host in hosts] == [
        ("ch1:9000", "Finished", 0), ("ch2:9000", "Active", 0), ("ch3:9000", "Inactive", 0), ("ch4:9000", "Finished", 57),
    ]  # fmt: skip
    assert {host.duration_seconds for host in hosts} == {1.5}


def test_a_destinations_password_is_not_told_and_past_errors_are_nothing(driver: Driver) -> None:
    row = (
        "SELECT 'd' AS database, 't' AS table, '/data/d/t/user:secret@ch2:9000#db/' AS data_path, toUInt8(0) AS is_blocked, "
        "toUInt64(1) AS error_count, toUInt64(2) AS data_files, toUInt64(3) AS data_compressed_bytes, "
        "toUInt64(0) AS broken_data_files, toUInt64(0) AS broken_data_compressed_bytes, 'refused' AS last_exception, "
        "now() - 5 AS last_exception_time"
    )
    statement = reading(sql.load("monitor/distribution_queue"), "system.distribution_queue", [row])
    (record,) = contract.records_of(
        "monitor/distribution_queue", contract.ask(driver, statement, {"max_rows": 9})
    )
    assert record.destination == "user@ch2:9000#db"
    assert (record.files, record.error_count, record.last_exception) == (2, 1, "refused")
    assert 5 <= record.last_exception_age_seconds < 60
