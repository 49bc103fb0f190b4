"""Plans: the exact texts, what is left out, and remedies that name tables."""

from __future__ import annotations

import pytest

from chtui import sql
from chtui.act.kill import MOST_IDS, Candidate, kill_plan
from chtui.act.plans import Plan, Step, filled
from chtui.fleet.literal import Value
from chtui.records import HostId
from tests.unit.hand import HOSTILE, A, B

KILL = "KILL " + "QUERY WHERE has({ids}, query_id) ASYNC"


def running(query_id: str = "q1", host: HostId = A, **changes: object) -> Candidate:
    """A query of the application's."""
    made = Candidate(host, query_id, query_id, "app", "HTTP", "SELECT sleep(3)", 61.5)
    return made._replace(**changes)  # type: ignore[arg-type]


def test_one_statement_a_host_names_the_queries_that_were_shown() -> None:
    plan = kill_plan("c", [running("q1"), running("q2", B), running("q3")])
    assert [(step.host, step.statement, step.text) for step in plan.steps] == [
        (A, "act/kill_queries", KILL.format(ids="['q1', 'q3']")),
        (B, "act/kill_queries", KILL.format(ids="['q2']")),
    ]
    assert plan.title == "kill 3 queries on 2 hosts"
    assert plan.hosts == (A, B)
    assert [(target.host, target.name) for target in plan.targets] == [(A, "q1"), (B, "q2"), (A, "q3")]
    assert plan.targets[0].text == "app  1m 1s  SELECT sleep(3)"
    assert [(check.host, check.names) for check in plan.checks] == [(A, ("q1", "q3")), (B, ("q2",))]
    assert (plan.is_destructive, plan.typed_name, plan.left_out) == (False, "", ())


def test_a_server_that_binds_gets_the_same_statement_with_the_same_values() -> None:
    step = kill_plan("c", [running("it's"), running("q2")]).steps[0]
    bound, params = step.for_server(True)
    assert bound.text == sql.load("act/kill_queries").text
    assert params == {"query_ids": ["it's", "q2"]}
    written, none = step.for_server(False)
    assert (written.text, none) == (step.text, {})
    assert step.text == KILL.format(ids=r"['it\'s', 'q2']")


@pytest.mark.parametrize(
    ("candidate", "why"),
    [
        (
            running(interface="Local"),
            "the server's own (interface Local or no user): killing it does not return",
        ),
        (running(user=""), "the server's own (interface Local or no user): killing it does not return"),
        (running(""), "it has no query_id to name it by"),
        (running("chtui-1a2b-probe-7"), "chtui's own; it ends by itself"),
        (running("lone \ud800"), "its query_id cannot be written as text"),
        (running("x" * 5000), "its query_id is too long to be sent"),
    ],
)
def test_what_may_not_be_killed_is_left_out_and_the_plan_says_so(candidate: Candidate, why: str) -> None:
    plan = kill_plan("c", [candidate, running("q9", B)])
    assert [(one.host, one.name, one.why) for one in plan.left_out] == [(A, candidate.query_id, why)]
    assert plan.hosts == (B,)
    assert plan.title == "kill 1 query on 1 host"
    nothing = kill_plan("c", [candidate])
    assert (nothing.steps, nothing.checks, nothing.targets, len(nothing.left_out)) == ((), (), (), 1)


def test_one_query_is_named_once() -> None:
    plan = kill_plan("c", [running("q1"), running("q1"), running("q1", B)])
    assert [step.text for step in plan.steps] == [KILL.format(ids="['q1']")] * 2


def test_many_queries_make_several_statements_of_bounded_length() -> None:
    names = [f"{number:036d}" for number in range(250)]
    plan = kill_plan("c", [running(name) for name in names])
    batches = [check.names for check in plan.checks]
    assert [name for batch in batches for name in batch] == names
    assert len(plan.steps) == len(batches) == 3
    assert max(map(len, batches)) == MOST_IDS
    longer = kill_plan("c", [running(f"{number:01000d}") for number in range(10)])
    assert max(len(step.text) for step in longer.steps) < 4500


def test_a_child_says_whose_part_it_is() -> None:
    plan = kill_plan("c", [running("q1", initial_query_id="mother")])
    assert "part of mother" in plan.targets[0].text


@pytest.mark.parametrize("name", [name for name in HOSTILE if "\ud800" not in name])
def test_hostile_names_stay_within_their_literal(name: str) -> None:
    text = kill_plan("c", [running(name)]).steps[0].text
    assert text.startswith(KILL.partition("{")[0] + "['")
    assert text.endswith("'], query_id) ASYNC")
    assert "\n" not in text


REMEDY = sql.parse(
    "test/remedy",
    "-- T.\n-- params:\n--   database  Identifier\n--   table  Identifier\n--   note  String\n-- columns:\n"
    "RESTART {database:Identifier}.{table:Identifier} {note:String}",
)


def test_names_are_quoted_into_the_text_for_every_server_and_values_are_not_looked_into() -> None:
    params: dict[str, Value] = {"database": "a`b", "table": "{note:String}", "note": "{table:Identifier}'"}
    for_old = filled(REMEDY, params, values=True)
    assert for_old.text == r"RESTART `a\`b`.`{note:String}` '{table:Identifier}\''"
    assert for_old.params == ()
    for_new = filled(REMEDY, params, values=False)
    assert for_new.text == r"RESTART `a\`b`.`{note:String}` {note:String}"
    assert [column.name for column in for_new.params] == ["note"]


def test_parameters_must_be_those_of_the_file() -> None:
    with pytest.raises(ValueError, match="takes"):
        filled(REMEDY, {"database": "a"}, values=True)
    with pytest.raises(ValueError, match=r"act/kill_queries takes \['query_ids'\], not \['ids'\]"):
        _ = Step(A, "act/kill_queries", {"ids": []}, "x").text


def test_a_destructive_plan_must_name_what_is_typed_and_no_other_may() -> None:
    def plan(**changes: object) -> Plan:
        return Plan("c", "t", "k", (), (), "e", "v", **changes)  # type: ignore[arg-type]

    assert plan(is_destructive=True, typed_name="db.table").typed_name == "db.table"
    for changes in ({"is_destructive": True}, {"typed_name": "x"}):
        with pytest.raises(ValueError, match="a name to type"):
            plan(**changes)
