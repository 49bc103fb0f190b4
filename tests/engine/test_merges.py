"""The merges pane on 26.9: merges, slow and failing mutations, crowded partitions, pools and the part log, all made for real."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chtui.errors import QueryError
from chtui.session import Session, Watch
from chtui.views.pages import table as drawn
from chtui.views.panes import page
from tests.engine.commands import command
from tests.engine.fleets import collected, ids
from tests.support import ModernRig, fast, started, wait_until

DATABASE = "busy"
WAIT = 60.0
NOW = "SETTINGS mutations_sync = 0"
"""The server would else wait until a mutation is done."""


@pytest.fixture
def busy(modern: ModernRig) -> Iterator[ModernRig]:
    """An empty database on every host; what is left in it is ended and dropped."""
    for index in range(4):
        modern.query(index, f"DROP DATABASE IF EXISTS {DATABASE} SYNC")
        modern.query(index, f"CREATE DATABASE {DATABASE}")
    yield modern
    modern.heal()
    for index in range(4):
        modern.query(index, f"KILL MUTATION WHERE database = '{DATABASE}'")
        modern.query(index, f"DROP DATABASE IF EXISTS {DATABASE} SYNC")


@contextmanager
def watched(
    rig: ModernRig, sessions: list[Session], name: str, part_name: str
) -> Iterator[Callable[..., Any]]:
    """What gives the facts of a part of a page whenever it is called, asked every second meanwhile; of another part if it is named."""
    part = page(name).part(part_name)
    assert part is not None
    every_second = fast(rig.effective(), merges=1.0, mutations=1.0, parts=1.0, tables=1.0, logs=1.0)
    session = started(every_second, sessions)
    session.watch("test", Watch(lambda _: None, lambda _: None), part.wants(()))

    def facts(other: str = "") -> Any:
        shown = page(name).part(other or part_name)
        assert shown is not None
        return [
            fact
            for fact in shown.facts(session.snapshot, ())
            if getattr(fact, "database", DATABASE) == DATABASE
        ]

    yield facts
    session.stop()


def partitioned(rig: ModernRig, index: int, name: str, partitions: int, rows: int) -> str:
    """Make a table of one part a partition; its name."""
    table = f"{DATABASE}.{name}"
    rig.query(index, f"CREATE TABLE {table} (bucket UInt16, n UInt64, text String) "
                     "ENGINE = MergeTree PARTITION BY bucket ORDER BY n")  # fmt: skip
    rig.query(
        index,
        f"INSERT INTO {table} SELECT number % {partitions}, number, 'text' FROM numbers({partitions * rows})",
    )
    return table


def test_a_slow_mutation_shows_how_far_it_is(busy: ModernRig, sessions: list[Session]) -> None:
    table = partitioned(busy, 0, "slow", partitions=8, rows=50)
    with watched(busy, sessions, "merges", "mutations") as facts:
        busy.query(0, f"ALTER TABLE {table} UPDATE text = toString(sleepEachRow(0.04)) WHERE 1 {NOW}")
        wait_until(lambda: facts() and facts()[0].parts_in_progress, WAIT, "parts in progress")
        wait_until(lambda: facts() and 0 < facts()[0].parts_to_do < 8, WAIT, "parts that are done")
        wait_until(lambda: facts() and facts()[0].parts_done_per_second, WAIT, "the rate")
        (fact,) = facts()
        assert (fact.database, fact.table, fact.hosts) == (DATABASE, "slow", 1)
        assert "sleepEachRow(0.04)" in fact.command
        assert (fact.is_failing, fact.is_stuck, fact.stuck_reason) == (False, False, None)
        assert 0 < fact.remaining_seconds < 60
        assert fact.age_seconds >= 1
        wait_until(lambda: not facts(), WAIT, "the end of the mutation")
    assert busy.query(0, f"SELECT uniqExact(text) FROM {table}") == "1\n"


def test_a_failing_mutation_is_stuck_for_its_reason(busy: ModernRig, sessions: list[Session]) -> None:
    for index in (0, 1):
        table = partitioned(busy, index, "fails", partitions=2, rows=10)
        busy.query(index, f"ALTER TABLE {table} UPDATE text = toString(toUInt32(text)) WHERE 1 {NOW}")
    with watched(busy, sessions, "merges", "mutations") as facts:
        wait_until(
            lambda: facts() and facts()[0].is_failing and facts()[0].stuck_hosts == 2, WAIT, "the failure"
        )
        (fact,) = facts()
    assert (fact.table, fact.hosts, fact.parts_to_do, fact.is_stuck) == ("fails", 2, 4, True)
    assert fact.stuck_reason.startswith("fails: Code: 6. DB::Exception: Cannot parse string 'text' as UInt32")
    assert "CANNOT_PARSE_TEXT" in fact.latest_fail_reason
    assert fact.latest_failed_part.partition("_")[0] in ("0", "1")
    assert fact.latest_fail_age_seconds is not None
    subject = (DATABASE, "fails", fact.mutation_id)
    part = page("mutation").parts[0]
    snapshot = collected(busy.effective(), part.wants(subject))
    shown = part.facts(snapshot, subject)
    assert {each.host for each in shown} == {str(host) for host in ids(busy)[:2]}
    assert all(each.is_stuck and each.latest_fail_reason for each in shown)
    text = " ".join(cell.text for row in drawn(part, snapshot, subject).rows for cell in row.cells)
    assert "FAILS" in text
    assert "Cannot parse string" in text
    with command() as chtui:
        told = rows_of(chtui, busy, "merges.mutations")
    assert [row["stuck_reason"].startswith("fails: ") for row in told if row["table"] == "fails"] == [True]


def rows_of(chtui: Any, rig: ModernRig, *words: str) -> list[dict[str, Any]]:
    """The rows of `chtui show ... --json`."""
    addresses = "\n".join(f'"{host}" = "{address}"' for host, address in rig.addresses().items())
    seeds = json.dumps([f"127.0.0.1:{port}" for port in rig.http_ports])
    secret = chtui.password_file(rig.password("oncall"))
    chtui.config(
        f'version = 1\n[profile.rig]\nhosts = {seeds}\nuser = "oncall"\npassword_file = "{secret}"\n'
        f"[profile.rig.http_addresses]\n{addresses}\n"
    )
    done = chtui("show", *words, "--json", "--timeout", "30")
    assert done.code == 0, done.err
    return list(json.loads(done.out)["rows"])


def test_a_merge_under_way_is_in_the_pool(busy: ModernRig, sessions: list[Session]) -> None:
    table = f"{DATABASE}.heavy"
    busy.query(
        2, f"CREATE TABLE {table} (n UInt64, text String CODEC(ZSTD(19))) ENGINE = MergeTree ORDER BY n"
    )
    busy.query(2, f"SYSTEM STOP MERGES {table}")
    for _ in range(8):
        rows = "SELECT rand64(), concat(toString(rand64()), toString(number)) FROM numbers(20000)"
        busy.query(2, f"INSERT INTO {table} {rows}")
    host = str(ids(busy)[2])
    with watched(busy, sessions, "merges", "merges") as facts:
        busy.query(2, f"SYSTEM START MERGES {table}")
        wait_until(lambda: facts() and facts()[0].progress_ratio > 0, WAIT, "the merge")
        (fact,) = facts()
        assert (fact.host, fact.table, fact.is_mutation) == (host, "heavy", False)
        assert fact.num_parts >= 2
        assert fact.memory_bytes > 0
        wait_until(
            lambda: [pool for pool in facts("pools") if pool.tasks and pool.free_tasks_to_mutate],
            WAIT,
            "the pool",
        )
        (pool,) = [pool for pool in facts("pools") if pool.pool == "merges" and pool.host == host]
        assert pool.max_tasks == int(busy.query(2, "SELECT value FROM system.metrics WHERE metric = 'BackgroundMergesAndMutationsPoolSize'"))  # fmt: skip
        assert (pool.size_source, pool.used_ratio) == ("gauge", pool.tasks / pool.max_tasks)
        assert pool.free_tasks_to_mutate == int(busy.query(2, "SELECT value FROM system.merge_tree_settings WHERE name = 'number_of_free_entries_in_pool_to_execute_mutation'"))  # fmt: skip
        wait_until(lambda: not facts(), WAIT, "the end of the merge")
        assert len({pool.host for pool in facts("pools")}) == 4


def insert(rig: ModernRig, table: str, parts: int) -> None:
    """Write so many parts at once."""
    settings = "max_block_size = 1, min_insert_block_size_rows = 1, min_insert_block_size_bytes = 1, max_insert_threads = 1"
    rig.query(0, f"INSERT INTO {table} SELECT number FROM numbers({parts}) SETTINGS {settings}")


def test_thousands_of_parts_near_what_the_table_itself_allows(
    busy: ModernRig, sessions: list[Session]
) -> None:
    table = f"{DATABASE}.crowded"
    busy.query(0, f"CREATE TABLE {table} (n UInt64) ENGINE = MergeTree ORDER BY n "
                  "SETTINGS parts_to_delay_insert = 2000, parts_to_throw_insert = 2010, max_delay_to_insert = 1")  # fmt: skip
    busy.query(0, f"SYSTEM STOP MERGES {table}")
    before = counters(busy)
    insert(busy, table, 1500)
    with watched(busy, sessions, "merges", "partitions") as facts:
        wait_until(
            lambda: facts() and facts()[0].parts == 1500 and facts()[0].limits_are_own,
            WAIT,
            "parts and limits",
        )
        (fact,) = facts()
        assert (fact.host, fact.partition_id, fact.table_parts) == (str(ids(busy)[0]), "all", 1500)
        assert (fact.parts_to_delay, fact.parts_to_throw, fact.limits_are_own) == (2000, 2010, True)
        assert fact.max_table_parts == 100_000
        assert fact.fill_ratio == pytest.approx(1500 / 2010)
        assert fact.state == "ok"
        insert(busy, table, 400)
        wait_until(lambda: facts()[0].growth_parts_per_minute, WAIT, "the growth")
        (fact,) = facts()
        assert fact.growth_parts_per_minute > 0
        assert fact.seconds_to_throw == pytest.approx((2010 - fact.parts) / fact.growth_parts_per_minute * 60)
        wait_until(lambda: facts()[0].state == "near", WAIT, "80 % of the limit")
        insert(busy, table, 105)
        wait_until(lambda: facts()[0].state == "delays", WAIT, "the delay")
        insert(busy, table, 1)
        assert counters(busy)["DelayedInserts"] > before["DelayedInserts"]
        with pytest.raises(QueryError, match="Too many parts"):
            insert_one_by_one(busy, table, 10)
        wait_until(lambda: facts()[0].state == "refuses", WAIT, "the refusal")
        assert facts()[0].fill_ratio == 1.0
    part = page("merges").part("partitions")
    assert part is not None
    assert part.figures is not None
    snapshot = collected(busy.effective(), part.wants(()))
    figures = {figure.label: figure.value for figure in part.figures(snapshot, ())}
    now = counters(busy)
    assert now["RejectedInserts"] > before["RejectedInserts"]
    assert figures["refused"] == f"{now['RejectedInserts']} since start"
    assert figures["delayed"] == f"{now['DelayedInserts']} since start"
    row = drawn(part, snapshot, ()).rows[0]
    assert [cell.text for cell in row.cells[:5]] == ["busy.crowded", "all", "REFUSES", "2010", "2010*"]


def insert_one_by_one(rig: ModernRig, table: str, parts: int) -> None:
    """Write so many parts, each by an insert of its own, which the server may delay or refuse."""
    for _ in range(parts):
        insert(rig, table, 1)


def counters(rig: ModernRig) -> dict[str, int]:
    """Inserts that were delayed and refused on all hosts since they started."""
    found = dict.fromkeys(("DelayedInserts", "RejectedInserts"), 0)
    for index in range(4):
        for name in found:
            found[name] += int(
                rig.query(index, f"SELECT sum(value) FROM system.events WHERE event = '{name}'")
            )
    return found


def test_large_parts_are_exempt(busy: ModernRig) -> None:
    table = f"{DATABASE}.large"
    busy.query(1, f"CREATE TABLE {table} (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS parts_to_delay_insert = 5, "
                  "parts_to_throw_insert = 10, max_avg_part_size_for_too_many_parts = 100, max_parts_in_total = 13")  # fmt: skip
    busy.query(1, f"SYSTEM STOP MERGES {table}")
    part = page("merges").part("partitions")
    assert part is not None
    for number in range(12):
        busy.query(1, f"INSERT INTO {table} SELECT {number}")

    def state() -> str:
        snapshot = collected(busy.effective(), part.wants(()))
        return str(next(fact.state for fact in part.facts(snapshot, ()) if fact.table == "large"))

    assert state() == "exempt"
    busy.query(1, f"INSERT INTO {table} SELECT 12")
    assert state() == "refuses"
    with pytest.raises(QueryError, match="Too many parts"):
        busy.query(1, f"INSERT INTO {table} SELECT 13")


def test_the_part_log_says_who_wrote_parts_and_what_went_wrong(busy: ModernRig) -> None:
    table = partitioned(busy, 3, "logged", partitions=3, rows=100)
    busy.query(3, f"INSERT INTO {table} SELECT number % 3, number, 'text' FROM numbers(300)")
    busy.query(3, f"OPTIMIZE TABLE {table} FINAL")
    busy.query(3, f"ALTER TABLE {table} UPDATE text = toString(toUInt32(text)) WHERE 1 {NOW}")
    tables, minutes = page("merges").part("throughput"), page("merges").part("minutes")
    assert tables is not None
    assert minutes is not None
    assert tables.plot is not None
    assert minutes.plot is not None

    def work() -> Any:
        busy.query(3, "SYSTEM FLUSH LOGS")
        snapshot = collected(busy.effective(), tables.wants(()))
        return [fact for fact in tables.facts(snapshot, ()) if fact.table == "logged" and fact.errors]

    (fact,) = wait_until(work, WAIT, "the error in the part log")
    assert (fact.hosts, fact.new_parts, fact.new_rows) == (1, 6, 600)
    assert (fact.merges, fact.merged_parts, fact.merged_rows) == (3, 6, 600)
    assert fact.merged_bytes > 0
    assert fact.last_error_host == str(ids(busy)[3])
    assert "Cannot parse string 'text' as UInt32" in fact.last_error
    snapshot = collected(busy.effective(), (*minutes.wants(()), *tables.wants(())))
    found = minutes.facts(snapshot, ())
    logged = sum(int(busy.query(index, "SELECT countIf(event_type = 'NewPart' AND error = 0) FROM system.part_log WHERE event_time > now() - 3500")) for index in range(4))  # fmt: skip
    # What was logged since is in one of the two only.
    assert sum(fact.new_parts for fact in found) == pytest.approx(logged, rel=0.2, abs=50)
    assert sum(fact.errors for fact in found) >= fact.errors
    parts_plot, bytes_plot = tables.plot(snapshot, ()), minutes.plot(snapshot, ())
    assert parts_plot is not None
    assert bytes_plot is not None
    assert (parts_plot.end - parts_plot.start).total_seconds() == 3600
    assert sum(value or 0 for value in parts_plot.series[0].values) == sum(fact.new_parts for fact in found)
    assert sum(value or 0 for value in bytes_plot.series[0].values) * 60 == pytest.approx(sum(fact.new_bytes for fact in found))  # fmt: skip
