"""CREATE statements laid out in lines, and rid of passwords."""

from __future__ import annotations

import pytest

from chtui.views.tables.statement import SECRET_ARGUMENTS, hidden, laid_out

MODERN = (
    "CREATE TABLE x.t (`day` Date, `tm` DateTime64(3) CODEC(Delta(8), ZSTD(1)), `k` UInt64 COMMENT 'a, b(c', "
    "`s` String DEFAULT 'a(b', INDEX i k TYPE minmax GRANULARITY 1, PROJECTION p (SELECT k ORDER BY s)) "
    "ENGINE = MergeTree PARTITION BY toYYYYMM(tm) ORDER BY (k, s) "
    "TTL day + toIntervalMonth(3), day + toIntervalMonth(5) WHERE k = 3 "
    "SETTINGS ttl_only_drop_parts = 1, index_granularity = 8192 COMMENT 'x'"
)
"""As 26.9 gives it."""
LEGACY = (
    "CREATE TABLE x.t ( day Date,  tm DateTime,  k UInt64,  s String DEFAULT 'a(b') ENGINE = "
    "ReplicatedMergeTree('/clickhouse/tables/{shard}/x/t', '{replica}') PARTITION BY toYYYYMM(tm) ORDER BY k SETTINGS index_granularity = 8192"
)
"""As 18.16 gives it."""


def test_a_modern_table() -> None:
    assert laid_out(MODERN) == (
        "CREATE TABLE x.t (",
        "    `day` Date,",
        "    `tm` DateTime64(3) CODEC(Delta(8), ZSTD(1)),",
        "    `k` UInt64 COMMENT 'a, b(c',",
        "    `s` String DEFAULT 'a(b',",
        "    INDEX i k TYPE minmax GRANULARITY 1,",
        "    PROJECTION p (SELECT k ORDER BY s)",
        ")",
        "ENGINE = MergeTree",
        "PARTITION BY toYYYYMM(tm)",
        "ORDER BY (k, s)",
        "TTL",
        "    day + toIntervalMonth(3),",
        "    day + toIntervalMonth(5)",
        "WHERE k = 3",
        "SETTINGS",
        "    ttl_only_drop_parts = 1,",
        "    index_granularity = 8192",
        "COMMENT 'x'",
    )


def test_a_table_of_the_oldest_version() -> None:
    assert laid_out(LEGACY)[:6] == (
        "CREATE TABLE x.t (",
        "    day Date,",
        "    tm DateTime,",
        "    k UInt64,",
        "    s String DEFAULT 'a(b'",
        ")",
    )
    assert laid_out(LEGACY)[-1] == "SETTINGS index_granularity = 8192"


def test_a_view() -> None:
    assert laid_out("CREATE VIEW x.v (`k` UInt64) AS SELECT k FROM x.t WHERE s != 'WHERE (' GROUP BY k") == (
        "CREATE VIEW x.v (",
        "    `k` UInt64",
        ")",
        "AS SELECT k",
        "FROM x.t",
        "WHERE s != 'WHERE ('",
        "GROUP BY k",
    )
    assert laid_out("CREATE VIEW x.v AS SELECT count() FROM x.t") == (
        "CREATE VIEW x.v",
        "AS SELECT count()",
        "FROM x.t",
    )


@pytest.mark.parametrize(
    "text",
    ["", "(", ")", "'", "a 'b", "CREATE TABLE `x\\`(` (a", "((((", "SETTINGS", "CREATE TABLE t (,,,) ENGINE", '"\\', "\0'\\"],
)  # fmt: skip
def test_any_text_is_laid_out_without_a_word_lost(text: str) -> None:
    def bare(given: str) -> str:
        return "".join(given.split())

    assert bare("".join(laid_out(text))) == bare(text)
    assert bare("".join(laid_out(MODERN + text)))  # Neither does what follows a whole statement end it badly.


def test_no_word_of_a_real_statement_is_lost() -> None:
    for statement in (MODERN, LEGACY):
        assert "".join("".join(laid_out(statement)).split()) == "".join(statement.split())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("ENGINE = MySQL('h:3', 'db', 't', 'user', 'pw')", "ENGINE = MySQL('h:3', 'db', 't', 'user', '[HIDDEN]')"),
        ("ENGINE = MySQL('h:3', 'db', 't', 'user', 'p''w)')", "ENGINE = MySQL('h:3', 'db', 't', 'user', '[HIDDEN]')"),
        ("ENGINE = MySQL('h:3', 'db', 't', 'user', 'p\\'w, \\\\')", "ENGINE = MySQL('h:3', 'db', 't', 'user', '[HIDDEN]')"),
        ("ENGINE = ODBC('DSN=x;Pwd=pw', 'db', 't')", "ENGINE = ODBC('[HIDDEN]', '[HIDDEN]', '[HIDDEN]')"),
        ("AS SELECT 1 FROM remote('h', db, t, 'user', 'pw')", "AS SELECT 1 FROM remote('h', db, t, '[HIDDEN]', '[HIDDEN]')"),
        ("ENGINE = S3('http://h/x', 'key', 'pw', 'CSV')", "ENGINE = S3('http://h/x', 'key', '[HIDDEN]', '[HIDDEN]')"),
        ("ENGINE = URL('http://user:pw@h/x', 'CSV')", "ENGINE = URL('http://user:[HIDDEN]@h/x', 'CSV')"),
        ("SETTINGS kafka_sasl_password = 'pw', x = 1", "SETTINGS kafka_sasl_password = '[HIDDEN]', x = 1"),
        ("SOURCE(CLICKHOUSE(HOST 'h' USER 'u' PASSWORD 'pw' DB 'd'))", "SOURCE(CLICKHOUSE(HOST 'h' USER 'u' PASSWORD '[HIDDEN]' DB 'd'))"),
        ("ENGINE = MySQL('h', 'd', 't', 'u', 'pw') COMMENT 'mysql(1, 2, 3, 4, 5)'",
         "ENGINE = MySQL('h', 'd', 't', 'u', '[HIDDEN]') COMMENT 'mysql(1, 2, 3, 4, 5)'"),
    ],
)  # fmt: skip
def test_passwords_are_hidden(given: str, expected: str) -> None:
    assert hidden(f"CREATE TABLE a.b (`c` UInt8) {given}") == f"CREATE TABLE a.b (`c` UInt8) {expected}"
    # Hidden already, by a newer server: it stays as it is.
    assert hidden(expected) == expected


def test_what_holds_no_password_is_left_alone() -> None:
    for statement in (
        MODERN,
        LEGACY,
        "CREATE TABLE a.b (`password` String) ENGINE = Distributed('c', 'd', 't', k)",
    ):
        assert hidden(statement) == statement


@pytest.mark.parametrize("name", SECRET_ARGUMENTS)
def test_a_call_that_never_ends_is_hidden_too(name: str) -> None:
    arguments = ", ".join(["'x'"] * SECRET_ARGUMENTS[name] + ["'pw"])
    assert "pw" not in hidden(f"CREATE TABLE a.b ENGINE = {name}({arguments}")
