"""The 26 ways in which a naive script loses or doubles rows (reference, migration.md 3), and where each is met.

Those that are a state of servers, data or spec are planted on an engine and found by preflight before the first write; crashes,
retries and timing are provoked while a migration runs, by the tests of faults.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

from chtui.migrate.preflight import Kind

TESTS = Path(__file__).resolve().parents[1]
MODERN, ROWS = "engine/test_migrate_preflight.py", "engine/test_migrate_preflight_rows.py"
OLD = "replication/test_migrate_preflight.py"


class Planted(NamedTuple):
    """A trap that is a state: what preflight calls it, and the tests that plant it."""

    trap: str
    kinds: tuple[Kind, ...]
    tests: tuple[tuple[str, str], ...]


class ByFaults(NamedTuple):
    """A trap that is an event: what makes it harmless is tried by faults."""

    trap: str
    harmless_because: str


WINDOWS = ((MODERN, "test_windows_that_drop_repetitions"), (OLD, "test_a_healthy_cluster_has_no_blocker"))
USERS = (MODERN, "test_users_whose_profiles_and_rights_would_spoil_it")
TRAPS: dict[int, Planted | ByFaults] = {
    1: ByFaults(
        "client killed, INSERT SELECT goes on, rerun", "earlier attempts are hunted, their staging is dropped"
    ),
    2: ByFaults(
        "server killed in INSERT SELECT: a prefix stays", "staging is proven by digest before it is published"
    ),
    3: ByFaults("retry with a token and other blocks", "the copy uses no tokens and no deduplication"),
    4: ByFaults("one token for two definitions of a month", "the copy uses no tokens and no deduplication"),
    5: Planted("deduplication window overrun", (Kind.DEDUPLICATION,), WINDOWS),
    6: Planted("a token without ORDER BY ALL", (Kind.DEDUPLICATION,), WINDOWS),
    7: Planted("identical batches dropped", (Kind.DEDUPLICATION,), WINDOWS),
    8: Planted(
        "months compared as texts",
        (Kind.PARTITION_KEY,),
        ((MODERN, "test_months_that_are_compared_as_texts"),),
    ),
    9: Planted(
        "a loop over nothing: no rows, success",
        (Kind.SOURCE_TABLE, Kind.PARTITIONS),
        ((ROWS, "test_a_table_without_rows_and_one_that_is_not_there"),),
    ),
    10: Planted(
        "replicas listed as shards",
        (Kind.ROUTE,),
        (
            (MODERN, "test_replicas_that_are_listed_as_shards"),
            (MODERN, "test_v1s_entry_must_be_one_server_that_every_host_knows"),
        ),
    ),
    11: Planted("days that begin at other instants", (Kind.TIME_ZONE, Kind.SETTING), (USERS,)),
    12: Planted(
        "SELECT * leaves out computed columns",
        (Kind.COMPUTED_COLUMN, Kind.COLUMN),
        ((ROWS, "test_columns_that_are_computed_on_v1"), (ROWS, "test_columns_that_nobody_takes")),
    ),
    13: Planted("digits of the second cut off", (Kind.PRECISION,), ((ROWS, "test_digits_that_are_lost"),)),
    14: Planted(
        "an unknown value of an enum",
        (Kind.VALUE,),
        ((ROWS, "test_values_an_enum_does_not_have"), (OLD, "test_rows_that_v2_cannot_hold")),
    ),
    15: Planted(
        "narrowing wraps, NULL becomes 0",
        (Kind.RANGE, Kind.NULL),
        ((ROWS, "test_numbers_out_of_range"), (ROWS, "test_nulls_where_v2_has_none"), USERS),
    ),
    16: Planted("settings that cut results, with success", (Kind.SETTING,), (USERS,)),
    17: Planted(
        "rows past the watermark before dual writing",
        (Kind.FUTURE_ROWS,),
        ((ROWS, "test_rows_of_the_future"),),
    ),
    18: Planted(
        "acknowledged before delivery",
        (Kind.BACKGROUND_INSERT, Kind.ASYNC_INSERT),
        (USERS, (MODERN, "test_rows_that_cannot_be_delivered")),
    ),
    19: ByFaults(
        "insert over several shards, one of them retried",
        "every shard pulls its own rows into its own staging",
    ),
    20: Planted(
        "internal_replication = false over Replicated tables",
        (Kind.INTERNAL_REPLICATION,),
        ((MODERN, "test_the_cluster"), (OLD, "test_a_healthy_cluster_has_no_blocker")),
    ),
    21: Planted(
        "a TTL deletes what was just copied",
        (Kind.EXPIRED_ROWS, Kind.SOURCE_EXPIRY),
        ((ROWS, "test_rows_that_would_expire_at_once"), (ROWS, "test_a_ttl_of_v1_itself")),
    ),
    22: Planted(
        "views count twice, or not at all", (Kind.LEFTOVER,), ((MODERN, "test_what_v2_has_already"),)
    ),
    23: Planted(
        "sums of averages", (Kind.NOT_ADDITIVE,), ((MODERN, "test_an_aggregate_that_does_not_add_up"),)
    ),
    24: Planted(
        "the only copy is in what a tool left behind",
        (Kind.LEFTOVER,),
        ((MODERN, "test_what_v2_has_already"),),
    ),
    25: Planted(
        "REPLACE over rows that are there", (Kind.FOREIGN_ROWS,), ((MODERN, "test_what_v2_has_already"),)
    ),
    26: Planted(
        "ON CLUSTER timed out and still runs",
        (Kind.DDL_QUEUE,),
        ((OLD, "test_a_statement_that_waits_in_the_ddl_queue"),),
    ),
}
"""By number. Traps 17, 22, 25 and 26 are events too: the tests of faults and of dual writing meet them a second time."""


def functions(name: str) -> dict[str, set[str]]:
    """The tests of a file, each with the attributes its text names."""
    tree = ast.parse((TESTS / name).read_text(encoding="utf-8"))
    return {
        node.name: {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def test_all_traps_are_in_the_table() -> None:
    assert list(TRAPS) == list(range(1, 27))
    assert all(each.harmless_because for each in TRAPS.values() if isinstance(each, ByFaults))


def test_each_trap_that_is_a_state_is_planted_and_looked_for() -> None:
    known = {name: functions(name) for name in (MODERN, ROWS, OLD)}
    planted = {number: each for number, each in TRAPS.items() if isinstance(each, Planted)}
    assert len(planted) == 21
    for number, each in planted.items():
        named: set[str] = set()
        for file, test in each.tests:
            assert test in known[file], (number, file, test)
            named |= known[file][test]
        # The first kind must be what the tests assert on.
        assert each.kinds[0].name in named, (number, each.kinds)
