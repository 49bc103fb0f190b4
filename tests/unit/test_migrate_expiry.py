"""TTL rules of a spec, cut in their pieces."""

from __future__ import annotations

import pytest

from chtui.migrate.expiry import Rule, at, rule_of


@pytest.mark.parametrize(
    ("text", "instant", "where"),
    [
        ("day + toIntervalDay(30)", "day + toIntervalDay(30)", ""),
        ("day + toIntervalDay(30) DELETE", "day + toIntervalDay(30)", ""),
        ("day + 30 delete where kind = 'WHERE'", "day + 30", "kind = 'WHERE'"),
        ("day + 30 WHERE (kind = 'a' AND n > 0)", "day + 30", "(kind = 'a' AND n > 0)"),
        ("if(`delete` > 0, day, day + 1)", "if(`delete` > 0, day, day + 1)", ""),
    ],
)
def test_a_rule_is_cut(text: str, instant: str, where: str) -> None:
    assert rule_of(text) == (instant, where)


def test_who_expires_and_who_is_kept() -> None:
    assert Rule("day", "").expired("now()") == "(day) <= now()"
    assert Rule("day", "n > 0").expired(at(5)) == "(day) <= toDateTime(5) AND (n > 0)"
    assert Rule("day", "n > 0").kept(at(5)) == "ifNull((day) <= toDateTime(5) AND (n > 0), 0) = 0"


def test_a_rule_over_other_columns() -> None:
    rule = rule_of("toDate(ts) + toIntervalDay(30) DELETE WHERE kind = 'x'")
    assert rule.names == {"ts", "kind"}
    assert rule.over({"ts": "(at)", "kind": "(lower(k))"}) == (
        "toDate((at)) + toIntervalDay(30)",
        "(lower(k)) = 'x'",
    )
