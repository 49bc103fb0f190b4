"""Errors in one line."""

from __future__ import annotations

import pytest

from chtui import errors
from tests.unit.hand import HOSTILE


@pytest.mark.parametrize(
    ("where", "fix", "line"),
    [
        ("", "", "it broke"),
        ("host:1", "", "host:1: it broke"),
        ("", "mend it", "it broke; mend it"),
        ("host:1", "mend it", "host:1: it broke; mend it"),
    ],
)
def test_the_line_says_where_what_and_the_remedy(where: str, fix: str, line: str) -> None:
    error = errors.ChtuiError("it broke", where=where, fix=fix)
    assert error.line == line
    assert str(error) == line


@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_is_safe_to_draw_whatever_it_quotes(name: str) -> None:
    line = errors.QueryError(f"no table {name}", where=name, fix=f"look at {name}").line
    assert "\n" not in line
    assert line.isprintable()


def test_a_long_text_is_cut() -> None:
    assert len(errors.ChtuiError("x" * 10_000).line) == 400


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("x"), 2),
        (errors.ConfigError("x"), 2),
        (errors.DemoError("x"), 2),
        (errors.UnreachableError("x"), 3),
    ],
)
def test_exit_codes(error: errors.ChtuiError, code: int) -> None:
    assert error.exit_code == code


def test_what_errors_carry() -> None:
    assert errors.ConnectError("refused", "x").kind == "refused"
    failed = errors.QueryError("x", code=47, query_id="chtui-1")
    assert (failed.code, failed.query_id) == (47, "chtui-1")
    assert errors.QueryError("x").code == 0


def test_every_error_is_of_the_tree() -> None:
    found = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert len(found) >= 9
    assert all(issubclass(error, errors.ChtuiError) for error in found)
