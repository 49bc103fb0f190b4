"""EXPLAIN of a logged query on 26.9: on demand, of one SELECT only, in its own database, as the user who monitors."""

from __future__ import annotations

import secrets

import pytest

from chtui.views.panes import page
from chtui.views.queries.explain import EXPLAIN, QueryPlanFact, plan_facts
from tests.engine.fleets import collected
from tests.support import ModernRig, wait_until

TABLE = "demo.events"


def plan_of(rig: ModernRig, query_id: str, user: str = "oncall") -> tuple[tuple[QueryPlanFact, ...], str]:
    """The plan, and why there is none on the first host."""
    snapshot = collected(rig.effective(user), EXPLAIN.wants((query_id,)))
    key = EXPLAIN.wants((query_id,))[0].key
    sample = snapshot.sample(snapshot.hosts[0].id, key)
    assert sample is not None
    return plan_facts(snapshot, (query_id,)), sample.error or sample.unavailable


def run(rig: ModernRig, sql: str) -> str:
    """Run a query on the first host and return its id, once it is in the log."""
    query_id = f"explained-{secrets.token_hex(4)}"
    rig.query(0, f"/* {query_id} */ {sql}")

    def logged() -> str:
        # What a query comes to is logged after its answer.
        rig.query(0, "SYSTEM FLUSH LOGS")
        found = rig.query(
            0,
            "SELECT query_id FROM system.query_log WHERE type = 'QueryFinish' AND is_initial_query "
            f"AND startsWith(query, '/* {query_id} */') ORDER BY event_time_microseconds DESC LIMIT 1",
        )
        return found.strip()

    return str(wait_until(logged, 20, "the query in the log"))


def test_it_is_asked_only_when_wanted() -> None:
    assert EXPLAIN.demand
    assert page("query").part("explain") is EXPLAIN


def test_a_select_has_a_plan(modern: ModernRig) -> None:
    query_id = run(modern, "SELECT name, count() FROM system.tables WHERE database = 'otel' GROUP BY name")
    facts, error = plan_of(modern, query_id)
    assert not error
    assert any("ReadFromSystemTables" in fact.text for fact in facts), facts
    assert [fact.line for fact in facts] == list(range(1, len(facts) + 1))


def test_a_user_who_may_not_read_the_table_gets_the_servers_words(modern: ModernRig) -> None:
    query_id = run(modern, f"SELECT count() FROM {TABLE} WHERE 1 = (SELECT 1)")
    facts, error = plan_of(modern, query_id, "admin")
    assert not error
    assert any("MergeTree" in fact.text or "count" in fact.text for fact in facts)
    facts, error = plan_of(modern, query_id)
    assert facts == ()
    assert "Not enough privileges" in error


@pytest.mark.parametrize(
    "sql",
    ["INSERT INTO demo.explained SELECT 1", "CREATE TABLE demo.explained_too (x UInt8) ENGINE = Memory"],
)
def test_anything_but_a_select_has_none(modern: ModernRig, sql: str) -> None:
    modern.query(0, "CREATE TABLE IF NOT EXISTS demo.explained (x UInt8) ENGINE = Memory")
    try:
        query_id = run(modern, sql)
        assert query_id
        assert plan_of(modern, query_id, "admin") == ((), "")
        assert modern.query(0, "SELECT count() FROM demo.explained").strip() == (
            "1" if "INSERT" in sql else "0"
        )
    finally:
        modern.query(0, "DROP TABLE IF EXISTS demo.explained")
        modern.query(0, "DROP TABLE IF EXISTS demo.explained_too")


@pytest.mark.parametrize("query_id", ["nobody's", "'; DROP TABLE otel.traces; --"])
def test_an_unknown_query_has_none(modern: ModernRig, query_id: str) -> None:
    assert plan_of(modern, query_id) == ((), "")
