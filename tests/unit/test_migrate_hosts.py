"""Which errors a run that goes on waits out."""

from __future__ import annotations

import pytest

from chtui.errors import ChtuiError, ConnectError, DeadlineError, MigrateError, QueryError, UnreachableError
from chtui.migrate.hosts import is_away


def unreachable(cause: ChtuiError) -> ChtuiError:
    error = UnreachableError(cause.what)
    error.__cause__ = cause
    return error


DOWN, DENIED = ConnectError("down", "the connection broke"), ConnectError("auth_failed", "wrong password")


@pytest.mark.parametrize(
    ("error", "is_waited_for"),
    [
        (DOWN, True),
        (ConnectError("refused", "nobody listens"), True),
        (DENIED, False),
        (ConnectError("mismatch", "another server"), False),
        (unreachable(DOWN), True),
        (unreachable(DENIED), False),
        (UnreachableError("the profile names no host"), False),
        (DeadlineError("no answer in 8 s"), True),
        (QueryError("the connection broke in the answer"), True),
        (QueryError("no such table", code=60), False),
        (MigrateError("the plan is another's"), False),
    ],
)
def test_only_a_server_that_may_come_back_is_waited_for(error: ChtuiError, is_waited_for: bool) -> None:
    assert is_away(error) is is_waited_for
