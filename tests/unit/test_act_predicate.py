"""Predicates as they are typed."""

from __future__ import annotations

import pytest

from chtui.act.kill import Candidate
from chtui.act.predicate import Field, Kind, parse_predicate
from chtui.errors import UsageError
from tests.engine.killing import KILL_FIELDS
from tests.unit.hand import A

FIELDS = {
    **KILL_FIELDS,
    "kind": Field(Kind.WORD, lambda _: "Select"),
    "memory": Field(Kind.BYTES, lambda _: 3 << 30),
    "rows": Field(Kind.NUMBER, lambda _: 5000),
    "table": Field(Kind.TEXT, lambda _: "otel.traces"),
    "unknown": Field(Kind.NUMBER, lambda _: None),
}
QUERY = Candidate(A, "q1", "q0", "app", "HTTP", "SELECT 'a b' FROM otel.traces", 90.0)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("user=app elapsed>60 kind=select table~otel", True),
        ("user=app elapsed>60 kind=insert", False),
        ("user!=app", False),
        ("user=App", False),
        ("user!=App", True),
        ("elapsed>1m", True),
        ("elapsed>=1m30s", True),
        ("elapsed>90", False),
        ("elapsed<0.5h", True),
        ("elapsed<=1500ms", False),
        ("elapsed=90s", True),
        ("elapsed<1d", True),
        ("elapsed>60 elapsed<2m", True),
        ("memory>2GiB", True),
        ("memory>2g", True),
        ("memory>3.5GiB", False),
        ("memory>=3GB", True),
        ("memory=3221225472", True),
        ("rows>=5k rows<1M", True),
        ("kind!=SELECT", False),
        ("query~from", True),
        ("query~From", False),
        (r"table~^otel\.(traces|logs)$", True),
        ("query=\"SELECT 'a b' FROM otel.traces\"", True),
        ("query~'a  b'", False),
        ('query~"a b"', True),
        ('user!=""', True),
        (f"host={A}", True),
        ("query_id=q1 initial_query_id=q0 interface=http", True),
        ("unknown=1", False),
        ("unknown!=1", False),
        ("   user=app   ", True),
    ],
)
def test_a_predicate_holds_or_not(text: str, holds: bool) -> None:
    assert parse_predicate(text, FIELDS).matches(QUERY) is holds


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "",
            "nothing to select by: an empty predicate would mean everything; write it like user=app elapsed>5m",
        ),
        (
            "   ",
            "nothing to select by: an empty predicate would mean everything; write it like user=app elapsed>5m",
        ),
        ("user", "'user' begins with no term NAME OP VALUE; write it like user=app elapsed>5m"),
        ("user = app", "'user = app' begins with no term NAME OP VALUE; write it like user=app elapsed>5m"),
        (
            "user=app and elapsed>5",
            "'and elapsed>5' begins with no term NAME OP VALUE; write it like user=app elapsed>5m",
        ),
        (
            "user= elapsed>60",
            "user=: the value is missing; put it in quotes, or write it like user=app elapsed>5m",
        ),
        (
            "user==app",
            "user=: '=app' looks like more than a value; put it in quotes, or write it like user=app elapsed>5m",
        ),
        (
            "user!=appelapsed>60",
            "user!=: 'appelapsed>60' looks like more than a value; put it in quotes, or write it like user=app elapsed>5m",
        ),
        ('user="app', "user=: a quote is not closed, or closed too early; write it like user=app elapsed>5m"),
        (
            "query~'a'b'",
            "query~: a quote is not closed, or closed too early; write it like user=app elapsed>5m",
        ),
        ("elapsed>5x", "elapsed>: '5x' is no duration; give a number, with one of: ms s m h d"),
        ("elapsed>5M", "elapsed>: '5M' is no duration; give a number, with one of: ms s m h d"),
        ("elapsed>-5", "elapsed>: '-5' is no duration; give a number, with one of: ms s m h d"),
        ("elapsed>nan", "elapsed>: 'nan' is no duration; give a number, with one of: ms s m h d"),
        ("elapsed~5", "elapsed~: elapsed is a duration, ~ is for text; use = != > < >= <="),
        ("user>app", "user>: text has no order; use = != or ~"),
        ("user~", "user~: an empty expression would match everything; write it like user=app elapsed>5m"),
        ("rows>5KiB", "rows>: '5KiB' is no number; give a number, with one of: k m g t"),
    ],
)
def test_nonsense_is_one_clear_line(text: str, line: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_predicate(text, FIELDS)
    assert refused.value.line == line


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(
        UsageError, match="no field 'usr'; there are: elapsed, host, initial_query_id, interface, "
    ):
        parse_predicate("usr=app", FIELDS)


@pytest.mark.parametrize(
    "text", ["user~[", "user~(", "user~*", "user~a{99999999999}", "user~(?P<a>x)(?P<a>y)"]
)
def test_a_broken_expression_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no regular expression"):
        parse_predicate(text, FIELDS)


@pytest.mark.parametrize(
    "text", ["memory>5XiB", "memory>1GiB2MiB", "memory>", "memory>1 GiB", "elapsed>1h30", "x" * 3000]
)
def test_values_that_are_no_quantities_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_predicate(text, FIELDS)
