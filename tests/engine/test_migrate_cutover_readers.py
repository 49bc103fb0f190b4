"""What reads v1, seen in the query log of ClickHouse 26.9, asked of v2 as well, and the answers compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from chtui.demo.selftest.oracle import clean
from chtui.migrate.cutover import readers
from chtui.migrate.cutover.readers import Reader, Readers, Verdict
from tests.engine.standing import Standing, case_on, start
from tests.support import ModernRig

TABLES = ("events", "clicks")


@pytest.fixture(scope="module")
def cleaning() -> Iterator[list[Callable[[], None]]]:
    """What is to be done after the last test of this file."""
    found: list[Callable[[], None]] = []
    yield found
    for each in found:
        each()


@pytest.fixture
def standing(modern: ModernRig, tmp_path: Path, cleaning: list[Callable[[], None]]) -> Iterator[Standing]:
    """The migration, made once; with a query log that has nothing of earlier tests."""
    case = case_on(modern, "readers", tmp_path)
    is_first = not cleaning
    if is_first:
        cleaning.append(lambda: clean(case, modern.query, len(modern.nodes)))
    found = start(case, modern.query, tmp_path / "run", fresh=is_first)
    found.forget_queries()
    yield found
    found.close()


def looked(standing: Standing, *asked: str) -> Readers:
    """What is found after these queries were asked of v1's host."""
    for text in asked:
        standing.query(0, text)
    return readers.look(standing.stand)


def only(found: Readers) -> Reader:
    (reader,) = found.readers
    return reader


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count() FROM v1.events",
        "SELECT id, value, note FROM v1.events WHERE ts < '2026-02-15' ORDER BY id LIMIT 2000 FORMAT JSONEachRow",
        "SELECT toStartOfHour(ts) AS hour, avg(value), sum(value) / 3, count() FROM v1.events GROUP BY hour SETTINGS max_threads = 1",
        "SELECT count(), max(ts) FROM v1.events WHERE ts >= now() - INTERVAL 1 HOUR AND ts < today() + 7",
        "WITH few AS (SELECT id, ts FROM v1.events WHERE id = '7') SELECT few.id, count() FROM few INNER JOIN v1.clicks AS c USING (ts) GROUP BY few.id",
        "SELECT page, toTypeName(page), sum(times) FROM v1.clicks GROUP BY page HAVING sum(times) > 3",
        "SELECT lower(kind) AS k, uniqExact(id) FROM (SELECT toString(kind) AS kind, id FROM v1.events) GROUP BY k",
        "SELECT e.value, [e.value, 0.1], map('a', e.value), e.note, tuple(e.ts) FROM v1.events AS e WHERE e.id = '30'",
    ],
)
def test_a_query_that_gives_the_same(standing: Standing, text: str) -> None:
    found = looked(standing, text)
    reader = only(found)
    assert (reader.verdict, reader.why) == (Verdict.EQUAL, "")
    assert (reader.users, reader.queries, reader.is_through) == (("admin",), 1, False)
    assert found.findings == ()
    assert "1 equal" in found.evidence


def test_bare_names_are_those_of_the_session_s_database(standing: Standing, modern: ModernRig) -> None:
    asked = {"database": standing.case.source_database, "user": "admin", "password": modern.password("admin")}
    url = f"http://127.0.0.1:{modern.http_ports[0]}/?{urlencode(asked)}"
    text = b"SELECT count() FROM events AS e WHERE events.id = '3' OR e.id = '6'"
    with urlopen(Request(url, data=text), timeout=20) as answer:
        assert answer.read()
    assert only(looked(standing)).verdict is Verdict.EQUAL


def test_rows_that_come_meanwhile_change_nothing(standing: Standing) -> None:
    standing.query(0, "INSERT INTO v1.clicks SELECT now() + 3600, '/late', 1")
    found = looked(standing, "SELECT count(), sum(times) FROM v1.clicks WHERE ts > now() - INTERVAL 1 DAY")
    assert only(found).verdict is Verdict.EQUAL


ERRORS = "SELECT countIf(kind = 'Red') AS errors FROM v1.events WHERE ts >= now() - INTERVAL 1 DAY"


def test_a_literal_the_enum_has_not(standing: Standing) -> None:
    found = looked(standing, ERRORS)
    reader = only(found)
    assert reader.verdict is Verdict.UNKNOWN_VALUE
    assert "in v2 kind has no 'Red'" in reader.why
    assert "1 of 1 rows differ" in reader.why
    (finding,) = found.findings
    assert finding.name == reader.name
    assert finding.name.startswith("query ")
    assert f"accept {reader.name}" in finding.remedy


def test_a_literal_the_enum_has_not_is_found_though_there_are_no_such_rows(standing: Standing) -> None:
    """Both give nothing: that proves nothing. The literal of an earlier query of the pattern counts too."""
    for value in ("Violet", "red"):
        standing.query(0, f"SELECT countIf(kind = '{value}') FROM v1.events WHERE ts < 1000")
    reader = only(readers.look(standing.stand))
    assert (reader.verdict, reader.queries) == (Verdict.UNKNOWN_VALUE, 2)
    assert reader.why == "in v2 kind has no 'Violet'"


def test_a_literal_v2_refuses_since_the_column_is_in_its_key(standing: Standing) -> None:
    reader = only(looked(standing, "SELECT count() FROM v1.events WHERE kind = 'Red'"))
    assert reader.verdict is Verdict.UNKNOWN_VALUE
    assert "kind has no 'Red'; v2 gives nothing to compare: Code 691" in reader.why


def test_a_query_that_gives_other_rows(standing: Standing) -> None:
    reader = only(looked(standing, "SELECT kind, count() FROM v1.events GROUP BY kind"))
    assert reader.verdict is Verdict.DIFFERS
    assert "v1 gives" in reader.why or "rows differ, e.g. only v1 has" in reader.why


def test_a_query_that_gives_other_columns(standing: Standing) -> None:
    reader = only(looked(standing, "SELECT * FROM v1.events WHERE id = '3'"))
    assert (reader.verdict, reader.why) == (Verdict.DIFFERS, "columns: v2 also has day")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT count() FROM v1.other", "which has no counterpart in v2: kept for the auditors"),
        (
            "SELECT count() FROM v1.events WHERE id IN (SELECT toString(n) FROM v1.other)",
            "has no counterpart",
        ),
        ("SELECT arrayJoin(range(100)) FROM v1.clicks", "more than 10000 rows"),
        (
            "SELECT count() FROM v1.events AS e INNER JOIN v1.clicks AS c USING (ts)",
            "Double-distributed IN/JOIN subqueries",
        ),
        ("SELECT count() FROM cluster('otel_v1', v1.events)", "reads through the function cluster"),
        ("SELECT rand64() AS r FROM v1.events LIMIT 3", "v1 itself answers otherwise each time"),
        ("SELECT count() FROM merge(REGEXP('^readers_v1$'), '^clicks$')", "reads through the function merge"),
    ],
)
def test_a_query_that_cannot_be_compared(standing: Standing, text: str, why: str) -> None:
    standing.query(0, "CREATE TABLE IF NOT EXISTS v1.other (n UInt8) ENGINE = Memory")
    with_reason = standing.with_spec(not_mapped={"other": "kept for the auditors"})
    found = looked(with_reason, text)
    reader = only(found)
    assert reader.verdict is Verdict.NOT_COMPARED
    assert why in reader.why
    assert len(found.findings) == 1


def test_what_another_host_reads_of_v1_is_compared_by_the_text_it_sends(standing: Standing) -> None:
    columns = "ts DateTime, id String, kind String, value Float64, note Nullable(String)"
    database = standing.case.source_database
    standing.query(2, "CREATE DATABASE IF NOT EXISTS aside")
    standing.query(
        2, f"CREATE TABLE aside.events ({columns}) ENGINE = Distributed('otel_v1', '{database}', 'events')"
    )
    try:
        standing.query(2, "SELECT sum(value), count() FROM aside.events WHERE id != '3'")
        standing.query(2, "SELECT count() FROM aside.events WHERE kind = 'Red'")
        found = looked(standing)
        assert {reader.verdict for reader in found.readers} == {Verdict.EQUAL, Verdict.UNKNOWN_VALUE}
        assert {reader.is_through for reader in found.readers} == {True}
        assert found.users == ("admin",)
    finally:
        standing.query(2, "DROP DATABASE aside SYNC")


def test_what_the_migration_itself_reads_and_what_writes_is_left_out(standing: Standing) -> None:
    standing.query(0, "INSERT INTO v1.clicks SELECT * FROM v1.clicks WHERE page = 'none'")
    first = looked(standing, "SELECT count() FROM v1.clicks")
    assert len(first.readers) == 1
    # What was asked for the comparison is no reader either.
    second = looked(standing)
    assert [each.name for each in second.readers] == [each.name for each in first.readers]
    assert second.readers[0].queries == 1


def test_a_table_that_is_not_sealed(standing: Standing) -> None:
    unsealed = standing._replace(
        stand=standing.stand._replace(
            facts=lambda: standing.facts.__class__(sealed={"clicks": 1.0}),
        )
    )
    found = looked(unsealed, "SELECT count() FROM v1.events", "SELECT count() FROM v1.clicks")
    verdicts = {reader.text.split()[3].rpartition(".")[2]: reader for reader in found.readers}
    assert verdicts["clicks"].verdict is Verdict.EQUAL
    assert verdicts["events"].why == "events is not sealed yet"


def test_names_stay_the_same(standing: Standing) -> None:
    text = "SELECT max(value) FROM v1.events WHERE id = '{}'"
    names = {reader.name for n in range(3) for reader in looked(standing, text.format(n)).readers}
    assert len(names) == 1
    assert {reader.name for reader in looked(standing, "SELECT min(value) FROM v1.events").readers} > names
