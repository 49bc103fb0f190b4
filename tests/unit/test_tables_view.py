"""The tables pane without a screen, and what holds for all pages of tables."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from chtui.records import HostState, Sample
from chtui.records.tables import (
    TableEngine,
)
from chtui.text import UNSAFE
from chtui.views.pages import notes, table, unavailable
from chtui.views.table import Cell, Link
from chtui.views.tables import growth_figure
from chtui.views.tables.detached import MEANINGS, meaning
from tests.unit.hand import HOSTILE, NOW, A, B, C, D, ago, blank, good, snapshot, status
from tests.unit.tables_by_hand import (
    FOUR,
    PARTITION,
    TABLE,
    Samples,
    cells,
    detached,
    engine,
    facts,
    fleet,
    growth,
    part,
    parts,
)

# The pane


def test_a_table_over_all_hosts() -> None:
    samples = fleet(100, 97, 300, 300, grown=(10, 10, 20, 20))
    samples[C, "table_parts"] = good(
        parts(300, partitions=3, active_parts=5, primary_key_memory_bytes=11, largest_partition_id="p3")
    )
    (fact,) = facts(snapshot(*FOUR, samples=samples), "tables")
    assert (fact.database, fact.table, fact.engine, fact.hosts, fact.shards) == (*TABLE, "MergeTree", 4, 2)
    assert (fact.rows, fact.rows_all_replicas, fact.active_parts) == (400, 797, 8)
    assert (fact.compressed_bytes, fact.uncompressed_bytes, fact.compression_ratio) == (797, 7970, 10.0)
    assert (fact.bytes_on_disk, fact.compressed_once_bytes) == (1594, 400)
    assert (fact.shard_skew_ratio, fact.largest_shard_num) == (1.5, 2)
    assert (fact.replica_rows_difference, fact.replica_parts_difference) == (3, 4)
    assert fact.differing_replicas == f"{B} lacks 3 rows; {D} has 4 parts fewer"
    assert (fact.primary_key_memory_bytes, fact.partitions) == (11, 3)
    assert (fact.largest_partition_id, fact.largest_partition_bytes) == ("p3", 600)
    shown = cells(snapshot(*FOUR, samples=samples), "tables")
    assert (shown["compression_ratio"].text, shown["shard_skew_ratio"].text) == ("10.0:1", "1.50x")
    assert (shown["rows"].text, shown["replicas_differ"].text) == ("400", "-3 rows")
    made = table(part("tables"), snapshot(*FOUR, samples=samples), ())
    assert made.rows[0].link == Link("table", TABLE)


def test_inserts_count_once_whether_each_replica_logs_them_or_one() -> None:
    (plain,) = facts(snapshot(*FOUR, samples=fleet(1, 1, 1, 1, grown=(10, 12, 20, 20))), "tables")
    assert (plain.growth_rows_per_hour, plain.growth_rows_per_day) == (32, 64)
    assert (plain.growth_bytes_per_hour, plain.growth_bytes_per_day) == (224, 448)
    samples = fleet(1, 1, 1, 1, name="ReplicatedMergeTree", grown=(10, 12, 20, 0))
    (replicated,) = facts(snapshot(*FOUR, samples=samples), "tables")
    assert (replicated.growth_rows_per_hour, replicated.growth_rows_per_day) == (42, 84)


def test_growth_without_a_part_log_is_null_with_the_reason() -> None:
    reason = "this server has no system.part_log, or this user may not see it"
    samples = fleet(5)
    samples[A, "table_growth"] = Sample(unavailable=reason)
    given = snapshot(FOUR[0], samples=samples)
    (fact,) = facts(given, "tables")
    names = ("growth_rows_per_hour", "growth_rows_per_day", "growth_bytes_per_hour", "growth_bytes_per_day")
    assert [getattr(fact, name) for name in names] == [None] * 4
    assert unavailable(part("tables"), given, ()) == dict.fromkeys(names, reason)
    figure = growth_figure(given, "table_growth")
    assert (figure.value, figure.why) == ("-", reason)
    assert cells(given, "tables")["growth_rows_per_hour"] == Cell("-", "muted", None)


def test_a_table_without_inserts_grows_by_nothing() -> None:
    samples = fleet(5)
    samples[A, "table_growth"] = good()
    given = snapshot(FOUR[0], samples=samples)
    (fact,) = facts(given, "tables")
    assert (fact.growth_rows_per_hour, fact.growth_bytes_per_day) == (0, 0)
    assert growth_figure(given, "table_growth").value == "no insert"
    samples[A, "table_growth"] = good(growth(1, 1, oldest=3500))
    assert growth_figure(snapshot(FOUR[0], samples=samples), "table_growth").value == "59m"


def test_an_empty_table_has_no_rows_and_no_ratio() -> None:
    (fact,) = facts(snapshot(*FOUR, samples=fleet(0, 0, 0, 0)), "tables")
    assert (fact.rows, fact.active_parts, fact.compression_ratio, fact.shard_skew_ratio) == (0, 0, None, None)
    assert (fact.replicas_differ, fact.largest_partition_id) == (False, None)


def test_a_replica_without_any_part_lacks_all_rows() -> None:
    (fact,) = facts(snapshot(*FOUR[:2], samples=fleet(7, 0)), "tables")
    assert (fact.replica_rows_difference, fact.differing_replicas) == (7, f"{B} lacks 7 rows")
    assert fact.replicas_differ is True


def test_hosts_without_the_table_are_told() -> None:
    samples = {**fleet(7, None), (B, "table_engines"): good(engine(of=("other", "t")))}
    found = {fact.table: fact for fact in facts(snapshot(*FOUR[:2], samples=samples), "tables")}
    assert (found["orders"].hosts, found["orders"].replicas_missing) == (1, 1)
    assert found["orders"].differing_replicas == f"not on {B}"


def test_a_host_that_has_not_told_is_not_missed() -> None:
    samples = fleet(7)
    samples[B, "table_parts"] = Sample(error="no answer within 10 s", failed_at=NOW)
    (fact,) = facts(snapshot(*FOUR[:2], samples=samples), "tables")
    assert (fact.rows, fact.hosts, fact.replicas_missing, fact.replicas_differ) == (7, 1, 0, None)


def test_while_parts_are_not_known_neither_are_sizes() -> None:
    given = snapshot(FOUR[0], samples={(A, "table_engines"): good(engine())})
    (fact,) = facts(given, "tables")
    assert (fact.rows, fact.compressed_bytes, fact.active_parts, fact.partitions) == (None,) * 4
    assert cells(given, "tables")["rows"] == Cell("-", "muted", None)


def test_a_dead_host_s_old_rows_are_no_difference() -> None:
    dead = status(B, HostState.HUNG, shard_num=1, replica_num=2)
    (fact,) = facts(snapshot(FOUR[0], dead, samples=fleet(100, 50)), "tables")
    assert (fact.replica_rows_difference, fact.replicas_differ) == (None, None)
    assert fact.rows_all_replicas == 150


def test_system_tables_add_up_over_hosts() -> None:
    log = ("system", "query_log")
    samples: Samples = {}
    for host, rows in zip((A, B), (5, 9), strict=True):
        samples[host, "table_engines"] = good(engine(of=log))
        samples[host, "table_parts"] = good(parts(rows, of=log))
        samples[host, "table_growth"] = good(growth(rows, rows, of=log))
    (fact,) = facts(snapshot(*FOUR[:2], samples=samples), "tables")
    assert (fact.rows, fact.rows_all_replicas, fact.growth_rows_per_hour) == (14, 14, 14)
    assert fact.compressed_once_bytes == 14
    assert (fact.replicas_differ, fact.replica_rows_difference, fact.differing_replicas) == (None, None, "")


def test_the_largest_table_comes_first() -> None:
    small, large = parts(1, of=("a", "small")), parts(2, of=("z", "large"))
    samples = {(A, "table_engines"): good(), (A, "table_parts"): good(small, large)}
    given = snapshot(FOUR[0], samples=samples)
    assert [fact.table for fact in facts(given, "tables")] == ["large", "small"]
    assert facts(given, "tables")[0].engine is None


def test_new_samples_are_seen_and_old_ones_are_not_worked_through_again() -> None:
    samples = fleet(5)
    first = facts(snapshot(FOUR[0], samples=samples), "tables")
    assert facts(snapshot(FOUR[0], samples=dict(samples), error="x"), "tables") is first
    (changed,) = facts(snapshot(FOUR[0], samples=fleet(6)), "tables")
    assert (first[0].rows, changed.rows) == (5, 6)


def test_cut_tables_are_not_taken_for_empty_ones() -> None:
    many = good(*(parts(2, of=("many", f"t{number}")) for number in range(5000)))
    samples = {(A, "table_engines"): good(engine()), (A, "table_parts"): many}
    given = snapshot(FOUR[0], samples=samples)
    (fact,) = [fact for fact in facts(given, "tables") if fact.database == "shop"]
    assert (fact.rows, fact.active_parts) == (None, None)
    assert f"only the first 5000 rows of {A}" in [piece.text for piece in notes(part("tables"), given, ())]


def test_other_tables() -> None:
    samples = {
        (A, "other_tables"): good(TableEngine("shop", "view", "View"), TableEngine("shop", "all", "Distributed")),
        (B, "other_tables"): good(TableEngine("shop", "all", "Merge")),
    }  # fmt: skip
    given = snapshot(*FOUR[:2], samples=samples)
    found = [(fact.database, fact.table, fact.engine, fact.hosts) for fact in facts(given, "tables", "other")]
    assert found == [("shop", "all", "Distributed, Merge", 2), ("shop", "view", "View", 1)]
    made = table(part("tables", "other"), given, ())
    assert made.rows[0].link == Link("table", ("shop", "all"), "ddl")
    assert [row.cells[2].text for row in made.rows] == ["2 of 2", "1 of 2"]


def test_detached_parts_the_largest_first() -> None:
    samples = {
        (A, "detached_parts"): good(detached("broken", 5), detached("ignored", 50, partition_id="")),
        (B, "detached_parts"): good(detached("", 20)),
    }
    given = snapshot(*FOUR[:2], samples=samples)
    found = facts(given, "tables", "detached")
    assert [(fact.host, fact.reason, fact.bytes_on_disk) for fact in found] == [
        (str(A), "ignored", 50),
        (str(B), "", 20),
        (str(A), "broken", 5),
    ]
    assert (found[0].partition_id, found[1].partition_id, found[1].age_seconds) == (None, "202601", 61)
    assert "safe to drop" in found[0].meaning
    shown = [cells(given, "tables", "detached", row=row)["reason"][:2] for row in range(3)]
    assert shown == [("ignored", "ok"), ("user", ""), ("broken", "critical")]
    made = part("tables", "detached").figures
    assert made is not None
    assert [(figure.label, figure.value) for figure in made(given, ())] == [
        ("detached parts", "3"), ("size", "75 B"), ("to look into", "1"),
    ]  # fmt: skip
    assert made(snapshot(FOUR[0]), ()) == ()


def test_every_reason_has_words_and_an_unknown_one_is_looked_into() -> None:
    assert {meaning(reason)[1] for reason in ("ignored", "clone", "covered-by-broken", "")} == {"ok", ""}
    for reason in ("broken", "broken-on-start", "unexpected", "noquorum", "merge-not-byte-identical"):
        assert "look into" in meaning(reason)[0]
        assert meaning(reason)[1] in ("warning", "critical")
    assert meaning("something-new")[1] == "warning"
    assert all(words for words, _ in MEANINGS.values())


# What holds for all parts

PARTS = [
    ("tables", "tables", ()), ("tables", "detached", ()), ("tables", "other", ()), ("table", "hosts", TABLE),
    ("table", "columns", TABLE), ("table", "partitions", TABLE), ("table", "detached", TABLE), ("table", "ddl", TABLE),
    ("partition", "parts", PARTITION), ("partition", "replicas", PARTITION),
]  # fmt: skip


@pytest.mark.parametrize(("page_name", "name", "subject"), PARTS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_made_safe(
    page_name: str, name: str, subject: tuple[str, ...], hostile: str
) -> None:
    found = part(page_name, name)
    given = tuple(hostile for _ in subject)
    samples: Samples = {}
    for host in (A, B):
        for want in found.wants(given):
            samples[host, want.key] = good(filled(want.probe, hostile))
    shown = snapshot(*FOUR[:2], samples=samples)
    made = table(found, shown, given)
    assert made.rows
    texts = [item.text for row in made.rows for item in row.cells]
    texts += [figure.value for figure in found.figures(shown, given)] if found.figures else []
    texts += [name for row in made.rows for name, _ in row.links]
    assert not [text for text in texts if UNSAFE.search(text)]


def filled(probe: str, text: str) -> Any:
    """A record of a probe, all its texts as given."""
    from chtui.monitor.probes import PROBES

    record = PROBES[probe].record
    hints = record.__annotations__
    texts = {field: text for field, hint in hints.items() if "str" in str(hint)}
    return blank(record, **texts, **{field: 1 for field, hint in hints.items() if str(hint) == "int | None"})


def test_what_is_not_known_yet_is_asked_for() -> None:
    for page_name, name, subject in PARTS:
        found = table(part(page_name, name), snapshot(FOUR[0]), subject)
        assert (found.rows, found.empty) == ((), "asking the hosts ...")


def test_stale_rows_are_said_to_be() -> None:
    samples = {key: sample._replace(taken_at=ago(200)) for key, sample in fleet(1).items()}
    texts = [piece.text for piece in notes(part("tables"), snapshot(FOUR[0], samples=samples), ())]
    assert "oldest rows 3m 20s old" in texts


KEYS = {
    ("tables", "tables"): [
        "database", "table", "engine", "hosts", "shards", "rows", "rows_all_replicas", "active_parts", "bytes_on_disk",
        "compressed_bytes", "uncompressed_bytes", "compression_ratio", "compressed_once_bytes", "shard_skew_ratio",
        "largest_shard_num", "replicas_differ", "replica_rows_difference", "replica_parts_difference", "replicas_missing",
        "differing_replicas", "growth_rows_per_hour", "growth_rows_per_day", "growth_bytes_per_hour", "growth_bytes_per_day",
        "primary_key_memory_bytes", "partitions", "largest_partition_id", "largest_partition_bytes",
    ],
    ("tables", "detached"): [
        "host", "database", "table", "partition_id", "name", "reason", "meaning", "bytes_on_disk", "disk", "age_seconds",
    ],
    ("tables", "other"): ["database", "table", "engine", "hosts"],
    ("table", "hosts"): [
        "host", "shard_num", "replica_num", "engine", "rows", "active_parts", "partitions", "bytes_on_disk", "compressed_bytes",
        "uncompressed_bytes", "compression_ratio", "primary_key_memory_bytes", "lacking_rows", "rows_differ", "is_readonly",
        "queue_entries", "absolute_delay_seconds", "replica_name", "zookeeper_path",
    ],
    ("table", "columns"): [
        "position", "name", "type", "codec", "compressed_bytes", "uncompressed_bytes", "compression_ratio", "table_share_ratio",
        "default_kind", "default_expression", "is_in_partition_key", "is_in_sorting_key", "is_in_primary_key",
        "is_in_sampling_key", "hosts", "hosts_with_table", "hosts_differ",
    ],
    ("table", "partitions"): [
        "partition_id", "partition", "hosts", "rows", "rows_all_replicas", "active_parts", "bytes_on_disk", "compressed_bytes",
        "uncompressed_bytes", "compression_ratio", "min_time", "max_time", "min_date", "max_date", "oldest_part_seconds",
        "newest_part_seconds", "disks", "replicas_differ", "replica_rows_difference", "replica_parts_difference",
        "replicas_missing", "differing_replicas",
    ],
    ("table", "detached"): [
        "host", "database", "table", "partition_id", "name", "reason", "meaning", "bytes_on_disk", "disk", "age_seconds",
    ],
    ("table", "ddl"): ["hosts", "engine", "create_table_query", "hosts_differ"],
    ("partition", "parts"): [
        "host", "name", "active", "rows", "bytes_on_disk", "compressed_bytes", "uncompressed_bytes", "compression_ratio", "level",
        "data_version", "refcount", "age_seconds", "disk", "part_type",
    ],
    ("partition", "replicas"): [
        "host", "shard_num", "replica_num", "rows", "active_parts", "bytes_on_disk", "compressed_bytes", "uncompressed_bytes",
        "compression_ratio", "lacking_rows", "rows_differ", "newest_part_seconds", "disks", "queue_entries",
        "absolute_delay_seconds",
    ],
}  # fmt: skip
"""The keys of the JSON, a contract."""


def test_the_keys_of_the_json_are_those_promised() -> None:
    assert {(page_name, name) for page_name, name, _ in PARTS} == set(KEYS)
    for (page_name, name), keys in KEYS.items():
        found = part(page_name, name)
        assert [field.name for field in fields(found.record)] == keys
        named = {field for group in found.fields.values() for field in group}
        assert named <= {*keys, "*"}
