"""SQL as text: expressions, column definitions, CREATE statements taken apart, statements of a spec."""

from __future__ import annotations

import pytest

from chtui.errors import MigrateError
from chtui.migrate import created, ddl, definitions, expressions, spec_file
from chtui.migrate.definitions import Definition
from chtui.migrate.spec import DdlMode, Flavour
from tests.support import replace


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("toYYYYMM(Date)", {"Date"}),
        ("Date + INTERVAL 7 DAY TO VOLUME 'cold Date'", {"Date"}),
        ("(Service, `odd name`, Events.Name)", {"Service", "odd name", "Events.Name"}),
        ("CASE WHEN Status = 'x' THEN 1 ELSE length(Body) END", {"Status", "Body"}),
        ("arrayExists((k, v) -> k = Name AND v > 0, Keys, Values)", {"Name", "Keys", "Values"}),
        ("arrayMap(x -> x + Day, List)", {"Day", "List"}),
        ("Attributes['http.method'] NOT IN ('a') OR x IS NULL", {"Attributes", "x"}),
        ("quantilesState(0.5, 0.9)(Duration)", {"Duration"}),
    ],
)
def test_names_of_an_expression(text: str, names: set[str]) -> None:
    assert expressions.names(text) == names


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("f(a, b)", ""),
        ("f(a", "has a ( that is not closed"),
        ("f(a]", "has a ] that closes nothing"),
        ("'a", "has a ' that is not closed"),
        ("'it''s' || 'a\\'b'", ""),
        ("a; b", "holds a semicolon: it must be one expression"),
        ("a, b", "has a comma outside of brackets: it must be one expression"),
        ("a -- b", "holds an SQL comment"),
        ("a /* b", "holds an SQL comment"),
        ("'a -- b; c'", ""),
    ],
)
def test_trouble_of_an_expression(text: str, trouble: str) -> None:
    assert expressions.trouble(text) == trouble


def test_lists_are_split_and_names_replaced() -> None:
    assert expressions.parts("(a, f(b, 'c, d'), [1, 2])") == ["a", "f(b, 'c, d')", "[1, 2]"]
    assert expressions.parts("(a) + (b)") == ["(a) + (b)"]
    assert expressions.parts("") == []
    assert (
        expressions.replaced("toYYYYMM(Day) + day(Day)", {"Day": "(d)", "day": "x"})
        == "toYYYYMM((d)) + day((d))"
    )
    assert expressions.normalized(" ( a ,`b` ) ") == "a , b"


@pytest.mark.parametrize(
    ("text", "definition"),
    [
        ("DateTime64(9) CODEC(DoubleDelta, ZSTD(1))", Definition("DateTime64(9)", codec="CODEC(DoubleDelta, ZSTD(1))")),
        ("Date DEFAULT toDate(a)", Definition("Date", "DEFAULT", "toDate(a)")),
        ("UInt8 MATERIALIZED f(a, 'CODEC') CODEC(T64)", Definition("UInt8", "MATERIALIZED", "f(a, 'CODEC')", "CODEC(T64)")),
        ("Nullable(String) DEFAULT NULL COMMENT 'x'", Definition("Nullable(String)", "DEFAULT", "NULL", comment="'x'")),
        ("Enum8('ALIAS' = 1) ALIAS b", Definition("Enum8('ALIAS' = 1)", "ALIAS", "b")),
    ],
)  # fmt: skip
def test_definitions_are_parsed(text: str, definition: Definition) -> None:
    assert definitions.parse(text) == definition
    assert definitions.parse(definition.text()) == definition
    assert "CODEC(" not in definition.text(stored=False)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "has no type"),
        ("DEFAULT 1", "has no type"),
        ("String DEFAULT", "has DEFAULT with nothing after it"),
        ("String DEFAULT 1 ALIAS 2", "has both DEFAULT and ALIAS"),
        ("String CODEC(A) CODEC(B)", "has CODEC twice"),
        ("String NOT NULL", "has NULL"),
        ("String EPHEMERAL", "has EPHEMERAL"),
        ("String TTL Day + 1", "has TTL"),
        ("double precision", "has no type ClickHouse would read: double precision"),
    ],
)
def test_what_is_no_definition(text: str, what: str) -> None:
    with pytest.raises(MigrateError) as error:
        definitions.parse(text)
    assert error.value.what.startswith(what)


MODERN = (
    "CREATE TABLE d.t (`a` UInt64 CODEC(T64, ZSTD(1)), `b.c` Array(String) DEFAULT [], INDEX i a TYPE minmax GRANULARITY 1) "
    "ENGINE = MergeTree PARTITION BY toYYYYMM(a) ORDER BY (a, b.c) TTL a + toIntervalDay(7) TO VOLUME 'x' "
    "SETTINGS index_granularity = 8192, storage_policy = 'p'"
)


def test_a_table_is_taken_apart() -> None:
    assert created.pieces(MODERN) == {
        "column a": "UInt64 CODEC(T64, ZSTD(1))",
        "column b.c": "Array(String) DEFAULT [ ]",
        "columns": "a, b.c",
        "index i": "a TYPE minmax GRANULARITY 1",
        "engine": "MergeTree",
        "partition by": "toYYYYMM ( a )",
        "order by": "a , b . c",
        "ttl": "a + toIntervalDay ( 7 ) TO VOLUME 'x'",
        "setting index_granularity": "8192",
        "setting storage_policy": "'p'",
    }


@pytest.mark.parametrize(
    ("change", "differences"),
    [
        (("T64", "T64"), []),
        (("index_granularity = 8192, ", ""), []),
        (
            ("index_granularity = 8192", "index_granularity = 4096"),
            ["setting index_granularity: 8192, wanted 4096"],
        ),
        (
            ("`a` UInt64", "`a` UInt32"),
            ["column a: UInt64 CODEC(T64, ZSTD(1)), wanted UInt32 CODEC(T64, ZSTD(1))"],
        ),
        (("ORDER BY (a, b.c)", "ORDER BY a"), ["order by: a , b . c, wanted a"]),
        (
            (" TTL a + toIntervalDay(7) TO VOLUME 'x'", ""),
            ["ttl: a + toIntervalDay ( 7 ) TO VOLUME 'x', wanted none"],
        ),
        (("'p'", "'q'"), ["setting storage_policy: 'p', wanted 'q'"]),
        (("MergeTree", "ReplacingMergeTree(a)"), ["engine: MergeTree, wanted ReplacingMergeTree ( a )"]),
        (
            (", INDEX i a TYPE minmax GRANULARITY 1", ""),
            ["index i: a TYPE minmax GRANULARITY 1, wanted none"],
        ),
    ],
)
def test_differences_are_told(change: tuple[str, str], differences: list[str]) -> None:
    wanted = created.pieces(MODERN.replace(*change))
    assert created.differences(wanted, created.pieces(MODERN)) == differences


def test_codecs_may_have_the_width_which_servers_write() -> None:
    wanted = created.pieces(
        "CREATE TABLE t (a Float64 CODEC(Gorilla, ZSTD(1)), b UInt64 CODEC(Delta(4))) ENGINE = Log"
    )
    found = created.pieces(
        "CREATE TABLE t (a Float64 CODEC(Gorilla(8), ZSTD(1)), b UInt64 CODEC(Delta(8))) ENGINE = Log"
    )
    assert created.differences(wanted, found) == [
        "column b: UInt64 CODEC(Delta(8)), wanted UInt64 CODEC(Delta(4))"
    ]


def test_views_are_compared_by_what_they_select_and_fill() -> None:
    wanted = "CREATE MATERIALIZED VIEW IF NOT EXISTS `d`.`v`\nTO `d`.`t`\nDEFINER = CURRENT_USER SQL SECURITY DEFINER\nAS SELECT `a`, b AS c FROM `d`.`s` WHERE a = 1"
    found = "CREATE MATERIALIZED VIEW d.v TO d.t (`a` UInt8, `c` UInt8) DEFINER = x SQL SECURITY DEFINER AS SELECT a, b AS c FROM d.s WHERE a = 1"
    assert created.differences(created.pieces(wanted), created.pieces(found)) == []
    other = created.pieces(found.replace("TO d.t", "TO d.u").replace("a = 1", "a = 2"))
    assert created.differences(created.pieces(wanted), other) == [
        "to: d.u, wanted d.t",
        "select: SELECT a , b AS c FROM d . s WHERE a = 2, wanted SELECT a , b AS c FROM d . s WHERE a = 1",
    ]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("a = 1 AND b != ''", "(a = 1) AND (b != '')"),
        ("CASE WHEN a > 1 THEN 1 WHEN b THEN 2 ELSE 0 END", "multiIf(a > 1, 1, b, 2, 0)"),
        ("CASE a WHEN 1 THEN 2 ELSE 3 END", "caseWithExpression(a, 1, 2, 3)"),
        (
            "sum(CASE WHEN a THEN CASE WHEN b THEN 1 ELSE 2 END ELSE 3 END)",
            "sum(multiIf(a, multiIf(b, 1, 2), 3))",
        ),
        ("now() - INTERVAL 1 HOUR", "now() - toIntervalHour(1)"),
    ],
)
def test_old_servers_rewrite_texts(written: str, kept: str) -> None:
    assert created.canonical(written, brackets=False) == created.canonical(kept, brackets=False)
    assert created.canonical(f"{written} + x", brackets=False) != created.canonical(kept, brackets=False)


def test_statements_name_the_cluster_only_where_it_carries_them_out() -> None:
    shipped = spec_file.shipped("otel_v2")
    per_host = replace(shipped, target=replace(shipped.target, ddl=DdlMode.PER_HOST, flavour=Flavour.PLAIN))
    for spec, count in ((shipped, 1), (per_host, 0)):
        for item in ddl.objects(spec, {"traces": 0}):
            assert item.text.count("ON CLUSTER `appsentry_cluster`") == count
            assert "{" not in item.alone().text.replace("{shard}", "").replace("{replica}", "")
            assert "ON CLUSTER" not in item.alone().text
    names = [item.name for item in ddl.objects(shipped, {"traces": 0})]
    assert "traces_live" in names
    assert "logs_live" not in names
    assert len(names) == len(set(names))


def test_expiry_comes_with_the_seal_only() -> None:
    spec = spec_file.shipped("otel_v2")
    traces = spec.tables[0]
    moves = "Date + INTERVAL 7 DAY TO VOLUME 'cold_volume', Date + INTERVAL 30 DAY TO VOLUME 'archive_volume'"
    assert ddl.local(spec, traces).params["ttl"] == moves
    assert ddl.local(spec, traces, sealed=True).params["ttl"] == f"{moves}, Date + INTERVAL 90 DAY"
    statements = [item.statement for item in ddl.seal(spec, traces)]
    assert statements == ["create_table", "exchange_names"]
    expires = ddl.expiry(spec, traces)
    assert expires is not None
    assert expires.statement == "modify_ttl"
    summary = next(aggregate for aggregate in spec.aggregates if not aggregate.expires)
    assert ddl.expiry(spec, summary) is None


def test_a_staging_table_is_as_the_target_under_another_name_and_path() -> None:
    spec = spec_file.shipped("otel_v2")
    usual, staging = (
        ddl.local(spec, spec.tables[0]),
        ddl.local(spec, spec.tables[0], name="chtui_x", keeper_path="/chtui/x/{shard}"),
    )
    assert staging.params["table"] == ("otel_v2", "chtui_x")
    assert staging.params["engine"] == "ReplicatedMergeTree('/chtui/x/{shard}', '{replica}')"
    assert {key for key in usual.params if usual.params[key] != staging.params[key]} == {"table", "engine"}
