"""What a run calls its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chtui.errors import ConnectError, DeadlineError, QueryError
from chtui.migrate.hands import Hands, is_refusal


class Nothing:
    """A diary and a permit for what is never done."""

    generation = 3

    def append(self, kind: str, facts: Mapping[str, Any]) -> int:
        raise AssertionError(f"{kind} {facts}")

    def check(self) -> None:
        raise AssertionError("nothing is done")


def made(run: str) -> Hands:
    return Hands(run, Nothing(), Nothing())


@pytest.mark.parametrize(("one", "other"), [("a", "a_b"), ("lease", "a"), ("a", "a_"), ("otel", "otel_v2")])
def test_no_run_takes_another_s_tables_or_statements_for_its_own(one: str, other: str) -> None:
    first, second = made(one), made(other)
    for name in (
        second.table_prefix(),
        second.attempt(second.tag("x")),
        f"chtui_lease_{other}_1",
        f"chtui_lease_{one}_1",
    ):
        assert not name.startswith(first.table_prefix())
    assert not f"{second.prefix}x-g1-1".startswith(first.prefix)


def test_attempts_have_names_of_their_own() -> None:
    hands = made("a")
    tag = hands.tag("traces 202601 shard 1 ch-1:9000")
    names = {hands.attempt(tag) for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith(hands.table_prefix(tag)) for name in names)
    assert all("_g3a" in name for name in names)
    assert hands.tag("traces 202601 shard 1 ch-1:9000") != hands.tag("traces 202601 shard 1 ch-1:9001")


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (QueryError("no such table", code=60), True),
        (QueryError("the answer broke off"), False),
        (ConnectError("refused", "nothing listens"), True),
        (ConnectError("down", "the connection broke"), False),
        (DeadlineError("no answer"), False),
    ],
)
def test_only_a_refusal_is_no_effect(error: Exception, refused: bool) -> None:
    assert is_refusal(error) is refused  # type: ignore[arg-type]
