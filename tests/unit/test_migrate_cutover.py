"""The pure parts of the cutover: queries rewritten, values an Enum lacks, answers compared, rights compared, findings."""

from __future__ import annotations

import re

import pytest

from chtui.errors import MigrateError
from chtui.migrate.cutover import access, answers, checks, literals, rights
from chtui.migrate.cutover.access import Access, Bound, Grant, Policy
from chtui.migrate.cutover.answers import Answer
from chtui.migrate.cutover.checks import Finding
from chtui.migrate.cutover.observe import grew, pattern_of
from chtui.migrate.cutover.rewrite import Doubt, Names, filters, rewritten
from chtui.records import HostId
from tests.rigs.migrating import Case
from tests.support import replace

NAMES = Names("otel", "otel_v2", {"traces": "traces", "logs": "log_lines"}, {"hist": "it has buckets"})
NOW = 1_000_000


def v2(text: str, run_in: str = "default", used: tuple[str, ...] | None = None) -> str:
    return rewritten(text, NAMES, run_in=run_in, used=used, now_seconds=NOW).v2


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("SELECT count() FROM otel.traces", "SELECT count() FROM `otel_v2`.`traces`"),
        (
            "SELECT otel.traces.a FROM `otel`.traces AS t",
            "SELECT `otel_v2`.`traces`.a FROM `otel_v2`.`traces` AS t",
        ),
        ("SELECT a FROM otel.logs", "SELECT a FROM `otel_v2`.`log_lines` AS `logs`"),
        ("SELECT a FROM otel.logs AS l", "SELECT a FROM `otel_v2`.`log_lines` AS l"),
        ("SELECT 'otel.traces' FROM otel.traces", "SELECT 'otel.traces' FROM `otel_v2`.`traces`"),
        ("SELECT x.otel FROM otel.traces AS x", "SELECT x.otel FROM `otel_v2`.`traces` AS x"),
        ("SELECT a FROM otel.traces FORMAT JSON", "SELECT a FROM `otel_v2`.`traces`"),
        (
            "SELECT a FROM otel.traces SETTINGS max_threads = 1, join_use_nulls = 1 FORMAT TSV",
            "SELECT a FROM `otel_v2`.`traces` SETTINGS join_use_nulls = 1",
        ),
        ("SELECT a FROM otel.traces FORMAT TSV SETTINGS readonly = 0", "SELECT a FROM `otel_v2`.`traces`"),
        (
            "SELECT format('{}', a) AS format FROM otel.traces",
            "SELECT format('{}', a) AS format FROM `otel_v2`.`traces`",
        ),
        (
            "SELECT 1 FROM otel.traces WHERE a > now() AND b = today() AND c < now64(9) AND d = now('UTC') AND e = yesterday()",
            (
                f"SELECT 1 FROM `otel_v2`.`traces` WHERE a > toDateTime({NOW}) AND b = toDate(toDateTime({NOW})) "
                f"AND c < toDateTime64({NOW}, 9) AND d = toDateTime({NOW}, 'UTC') AND e = (toDate(toDateTime({NOW})) - 1)"
            ),
        ),
    ],
)
def test_a_query_about_v2(text: str, wanted: str) -> None:
    assert v2(text) == wanted


def test_bare_names_are_those_of_the_database_it_ran_in() -> None:
    text = (
        "SELECT t.a FROM traces AS t, logs INNER JOIN (SELECT b FROM traces) AS u USING (b) WHERE traces = 1"
    )
    found = rewritten(text, NAMES, run_in="otel", used=("traces", "logs"), now_seconds=NOW)
    assert found.v1.startswith(
        "SELECT t.a FROM `otel`.`traces` AS t, `otel`.`logs` INNER JOIN (SELECT b FROM `otel`.`traces`)"
    )
    assert "`otel_v2`.`log_lines` AS `logs` INNER" in found.v2
    assert found.v2.endswith("WHERE traces = 1"), "a column"
    assert found.tables == {"traces", "logs"}
    assert v2("SELECT 1 FROM dim, otel.traces", "other") == "SELECT 1 FROM `other`.`dim`, `otel_v2`.`traces`"
    own = "WITH logs AS (SELECT 1 AS n FROM traces) SELECT n FROM logs"
    assert v2(own, "otel") == "WITH logs AS (SELECT 1 AS n FROM `otel_v2`.`traces`) SELECT n FROM logs"


@pytest.mark.parametrize(
    ("text", "run_in", "used", "why"),
    [
        ("SELECT 1 FROM otel.hist", "", None, "otel.hist, which has no counterpart in v2: it has buckets"),
        ("SELECT 1 FROM hist", "otel", None, "otel.hist, which has no counterpart"),
        ("SELECT 1 FROM traces", "", None, "which database traces is in is not known"),
        ("SELECT 1 FROM other", "aside", ("traces",), "names no table of v1"),
        ("SELECT 1 FROM otel.traces", "otel", ("traces", "hist"), "otel.hist, which has no counterpart"),
        ("SELECT 1 FROM cluster('c', otel.traces)", "", None, "reads through the function cluster"),
        ("SELECT dictGetString('otel.d', 'a', 1) FROM otel.traces", "", None, "the function dictGetString"),
        ("SELECT {x:UInt8} FROM otel.traces", "", None, "its text holds {"),
        ("SELECT 1 FROM otel.traces INTO OUTFILE 'x'", "", None, "it writes a file"),
    ],
)
def test_a_query_that_leaves_doubt(text: str, run_in: str, used: tuple[str, ...] | None, why: str) -> None:
    with pytest.raises(Doubt) as caught:
        v2(text, run_in, used)
    assert why in str(caught.value)


def test_filters_are_a_map_literal() -> None:
    assert (
        filters({"traces": "at < toDateTime('1')"}, "otel") == "{'otel.traces': 'at < toDateTime(\\'1\\')'}"
    )


ENUMS = {"Code": frozenset(("OK", "ER'ROR")), "Kind": frozenset(("A",))}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Code = 'Ok'", ["Ok"]),
        ("'Ok' != t.Code", ["Ok"]),
        ("t.`Code` IN ('OK', 'x', 'y')", ["x", "y"]),
        ("Code NOT IN ('x')", ["x"]),
        ("Code ILIKE 'E%'", ["E%"]),
        ("Code NOT LIKE 'E%'", ["E%"]),
        ("equals(Code, 'x') OR countIf(notEquals(`Code`, 'y'))", ["x", "y"]),
        ("Code = 'OK' AND Code = 'ER''ROR' AND Code = 'ER\\'ROR' AND Kind = 'A'", []),
        ("Other = 'Ok' AND upper(Code) = 'x' AND Code = other", []),
        ("Code IN (SELECT Code FROM t WHERE Name = 'x')", []),
    ],
)
def test_values_an_enum_lacks(text: str, values: list[str]) -> None:
    assert [each.value for each in literals.unknown(f"SELECT 1 WHERE {text}", ENUMS)] == values


def test_enums_of_tables() -> None:
    spec = Case("x", "", {}, [], 1, "", "").spec()
    assert literals.enums_of(spec.tables) == {"kind": {"red", "green", "blue"}}
    nullable = replace(
        spec.tables[0], columns={"a": "Nullable(Enum16('x' = -1, 'it''s, (y)' = 2))", "b": "String"}
    )
    assert literals.enums_of([nullable]) == {"a": {"x", "it's, (y)"}}


def gives(*rows: tuple[object, ...], columns: str = "a b") -> Answer:
    return Answer(tuple((name, "String") for name in columns.split()), rows)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (gives(("x", 1), ("y", 2)), gives(("y", 2), ("x", 1))),
        (gives(("x", 0.1 + 0.2)), gives(("x", 0.3))),
        (gives(("x", 1.0)), gives(("x", 1))),
        (gives((None, [1, {"k": "v"}])), gives((None, [1, {"k": "v"}]))),
        (gives(("2026-01-01 00:00:00", 1)), gives(("2026-01-01 00:00:00.000000000", 1))),
        (gives(), gives()),
    ],
)
def test_answers_that_are_the_same(one: Answer, other: Answer) -> None:
    assert answers.difference(one, other) == ""


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (gives(("x", 1)), gives(("x", 2)), "1 of 1 rows differ, e.g. only v1 has x, 1"),
        (gives(("x", 1), ("x", 1)), gives(("x", 1), ("y", 1)), "1 of 2 rows differ"),
        (gives(("x", 1)), gives(), "v1 gives 1 rows, v2 0, e.g. only v1 has x, 1"),
        (gives(), gives(("x", 1)), "v2 1, e.g. only v2 has x, 1"),
        (gives(("Error", 1)), gives(("ERROR", 1)), "1 of 1 rows differ"),
        (gives(("x", 2**63)), gives(("x", 2**63 + 1)), "1 of 1 rows differ"),
        (gives((None, 1)), gives(("", 1)), "1 of 1 rows differ"),
        (gives(("1", 1)), gives((1, 1)), "1 of 1 rows differ"),
        (gives(("2026-01-01 00:00:00.5", 1)), gives(("2026-01-01 00:00:00", 1)), "1 of 1 rows differ"),
        (gives(columns="a b"), gives(columns="a c d"), "columns: v2 lacks b; v2 also has c, d"),
        (gives(columns="a b"), gives(columns="b a"), "columns: another order"),
    ],
)
def test_answers_that_differ(one: Answer, other: Answer, why: str) -> None:
    assert why in answers.difference(one, other)


HOST = HostId("ch-2", 9000)
SPEC = Case("r", "", {}, [], 1, "", "").spec()
V1, V2 = SPEC.source.database, SPEC.target.database


def granted(*grants: Grant, **more: object) -> Access:
    made = Access(frozenset({"ann", "bob"}), tuple(grants), (), (), ())
    return replace(made, **more)


def may(
    user: str, database: str, table: str = "", column: str = "", *, revoked: bool = False, role: str = ""
) -> Grant:
    return Grant(user, role, database, table, column, revoked)


def names(source: Access, target: Access, *users: str) -> set[str]:
    return {finding.name for finding in rights.differences(SPEC, source, target, users or ("ann",), HOST)}


def test_rights_that_are_the_same() -> None:
    for source, target in (
        ((may("ann", V1),), (may("ann", V2),)),
        ((may("ann", ""),), (may("ann", ""),)),
        ((may("ann", V1, "events"),), (may("ann", V2, "events"),)),
        ((may("ann", V1, "events", "ts"),), (may("ann", V2, "events", "ts"),)),
        ((may("ann", f"{V1[:2]}*"),), (may("ann", ""),)),
        ((may("ann", V1), may("ann", V1, "events", revoked=True)), (may("ann", V2, "clicks"),)),
        ((), ()),
    ):
        assert names(granted(*source), granted(*target)) == set()


def test_rights_that_lack_or_go_too_far() -> None:
    assert names(granted(may("ann", V1)), granted(may("bob", V2))) == {f"grant ann on {HOST}"}
    found = rights.differences(
        SPEC, granted(may("ann", V1)), granted(may("ann", V2, "clicks")), ["ann"], HOST
    )
    assert [finding.remedy for finding in found] == [f"GRANT SELECT ON `{V2}`.`events` TO `ann`"]
    assert names(granted(may("ann", V1, "events", "ts")), granted(may("ann", V2))) == {
        f"reach of ann on {HOST}"
    }
    hidden = may("ann", V1, "events", "note", revoked=True)
    assert names(granted(may("ann", V1), hidden), granted(may("ann", V2))) == {f"reach of ann on {HOST}"}
    assert names(granted(may("eve", V1)), granted(may("eve", V2)), "eve") == {f"user eve on {HOST}"}


def test_roles_give_rights_too() -> None:
    roles = (("ann", "", "outer"), ("", "outer", "inner"))
    source = granted(may("", V1, role="inner"), roles=roles)
    assert source.readers(V1) == {"ann"}
    assert names(source, granted(may("", V2, role="inner"), roles=roles)) == set()
    assert names(source, granted(may("", V2, role="inner"))) == {
        f"role outer of ann on {HOST}", f"role inner of ann on {HOST}", f"grant ann on {HOST}",
    }  # fmt: skip


def test_policies_have_twins() -> None:
    policy = Policy("p", V1, "events", "id != '3'", True, "ann")
    source = granted(policies=(policy, Policy("q", V1, "unmapped", "1", False, "all")))
    twin = policy._replace(name="other", database=V2, table="events_local", condition="(id  !=  '3')")
    assert names(source, granted(policies=(twin,))) == set()
    for wrong in (
        twin._replace(condition="1"),
        twin._replace(is_restrictive=False),
        twin._replace(applies_to="all"),
        twin._replace(table="events"),
    ):
        assert names(source, granted(policies=(wrong,))) == {f"policy p of events on {HOST}"}


def test_profiles_are_followed() -> None:
    own = Bound("user", "ann", "(0)", "outer")
    profiles = (Bound("profile", "outer", "(0)", "inner"), Bound("profile", "inner", "max_threads 2", ""))
    same = granted(bounds=(own, *profiles))
    other = granted(bounds=(own, profiles[0], profiles[1]._replace(definition="max_threads 8")))
    unrelated = granted(
        bounds=(own, *profiles, Bound("profile", "else", "x", ""), Bound("user", "bob", "x", "else"))
    )
    assert names(same, unrelated) == set()
    assert names(same, other) == {f"settings of ann on {HOST}"}


def test_findings_are_accepted_by_name() -> None:
    found = [Finding("query 1", "differs"), Finding("host", "silent", "wait", checks.UNKNOWN)]
    check = checks.made("readers", "2", found, {"query 1", "nothing"})
    assert (check.ok, check.remedy, check.accepted) == (False, "wait", frozenset({"query 1"}))
    with pytest.raises(MigrateError, match="moving is not possible yet: host: silent") as caught:
        checks.demand([check], "moving")
    assert caught.value.exit_code == 3
    with pytest.raises(MigrateError) as caught:
        checks.demand([checks.made("readers", "2", found, ())], "moving")
    assert caught.value.exit_code == 1
    checks.demand([checks.made("readers", "2", found, {"query 1", "host"})], "moving")


def test_tables_that_got_rows() -> None:
    before = {("h", "a", "1"): 5, ("h", "a", "2"): 9, ("h", "b", "1"): 3}
    assert grew(before, dict(before)) == ()
    assert grew(before, {("h", "a", "1"): 5, ("h", "b", "1"): 3}) == (), "a partition that went"
    assert grew(before, {**before, ("h", "b", "1"): 4, ("h", "c", "1"): 0}) == ("b", "c")


def test_a_pattern_names_a_database() -> None:
    pattern = re.compile(pattern_of("otel"))
    assert pattern.search("SELECT 1 FROM otel.traces")
    assert pattern.search("FROM `otel`.traces")
    assert not pattern.search("FROM otel_v2.traces")
    assert not pattern.search("FROM my_otel.traces")


def test_reaches_add_up() -> None:
    assert access.NOTHING | access.Reach(True, frozenset(), frozenset({"a"})) == access.Reach(
        True, frozenset(), frozenset({"a"})
    )
    both = access.Reach(True, frozenset(), frozenset({"a"})) | access.Reach(
        True, frozenset(), frozenset({"b"})
    )
    assert both == access.Reach(True, frozenset(), frozenset())
