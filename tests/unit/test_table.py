"""Sorting, filtering and measuring tables."""

from __future__ import annotations

import pytest

from chtui.errors import UsageError
from chtui.text import UNSAFE, format_count
from chtui.views.table import Arrangement, Cell, Column, Row, Table, arranged, cell, matcher, measured, number
from tests.unit.hand import HOSTILE

COLUMNS = (Column("name", "NAME"), Column("count", "COUNT", True), Column("place", "P", max_width=4))


def table(*rows: tuple[str, int | None, tuple[int, ...]]) -> Table:
    return Table(
        COLUMNS,
        tuple(
            Row(name, (cell(name), number(count, format_count), Cell(".".join(map(str, place)), "", place)))
            for name, count, place in rows
        ),
    )


THREE = table(("beta", 9, (1, 2)), ("Alpha", None, (1, 10)), ("gamma", 10, (1, 1)), ("delta", None, (0, 9)))


def keys(sort: str = "", reverse: bool = False, filter_text: str = "", given: Table = THREE) -> list[str]:
    return [row.key for row in arranged(given, Arrangement(sort, reverse, filter_text)).rows]


def test_without_a_sort_key_the_rows_keep_their_order() -> None:
    assert keys() == ["beta", "Alpha", "gamma", "delta"]
    assert keys("no such column") == ["beta", "Alpha", "gamma", "delta"]


def test_numbers_are_sorted_by_value_and_none_is_last_both_ways() -> None:
    assert keys("count") == ["beta", "gamma", "Alpha", "delta"]
    assert keys("count", reverse=True) == ["gamma", "beta", "Alpha", "delta"]


def test_tuples_are_sorted_by_their_numbers() -> None:
    assert keys("place") == ["delta", "gamma", "beta", "Alpha"]
    assert keys("place", reverse=True) == ["Alpha", "beta", "gamma", "delta"]


def test_texts_are_sorted() -> None:
    assert keys("name") == ["Alpha", "beta", "delta", "gamma"]


def test_equal_keys_keep_their_order_both_ways() -> None:
    given = table(("first", 1, ()), ("second", 1, ()), ("third", 0, ()))
    assert keys("count", given=given) == ["third", "first", "second"]
    assert keys("count", reverse=True, given=given) == ["first", "second", "third"]


def test_keys_of_several_kinds_can_be_sorted() -> None:
    rows = tuple(Row(str(key), (Cell("x", "", key), Cell(""), Cell(""))) for key in ("a", (1,), 2, 1.5, None))
    assert keys("name", given=Table(COLUMNS, rows)) == ["1.5", "2", "(1,)", "a", "None"]


@pytest.mark.parametrize(
    ("filter_text", "left"),
    [
        ("alpha", ["Alpha"]),
        ("ALPHA", []),
        ("Alpha", ["Alpha"]),
        ("ta$", []),
        ("^(beta|gamma)", ["beta", "gamma"]),
        ("!a", []),
        ("!Alpha", ["beta", "gamma", "delta"]),
        ("!^d", ["beta", "Alpha", "gamma"]),
        ("10", ["Alpha", "gamma"]),
        (r"\d", ["beta", "Alpha", "gamma", "delta"]),
        ("", ["beta", "Alpha", "gamma", "delta"]),
    ],
)
def test_filters(filter_text: str, left: list[str]) -> None:
    assert keys(filter_text=filter_text) == left


def test_a_filter_does_not_reach_across_cells() -> None:
    assert keys(filter_text="beta9") == []
    assert keys(filter_text="beta 9") == []


def test_filter_and_sort_together() -> None:
    assert keys("count", True, "a$|.") == ["gamma", "beta", "Alpha", "delta"]
    assert keys("name", True, "!gamma") == ["delta", "beta", "Alpha"]


@pytest.mark.parametrize(
    "bad", ["(", "*x", "!(", "[z-a]", "a{99999999999}", "(" * 3000 + ")" * 3000], ids=lambda bad: bad[:12]
)
def test_what_is_no_regular_expression_is_an_error_in_one_line(bad: str) -> None:
    with pytest.raises(UsageError) as caught:
        matcher(bad)
    assert caught.value.what.startswith("no regular expression: ")
    assert caught.value.where.startswith(f"/{bad[:12]}")
    assert "\n" not in caught.value.line


def test_a_lone_exclamation_mark_hides_everything() -> None:
    assert matcher("!")("anything") is False


def test_columns_are_as_wide_as_their_widest_cell_and_leave_room_for_the_sign_of_sorting() -> None:
    given = table(("日本語", 100_000, (1, 2, 3, 4)), ("x", 1, ()))
    assert measured(given).widths == (6, 6, 4)
    assert measured(Table(COLUMNS, ())).widths == (5, 6, 2)
    assert arranged(given, Arrangement(filter="x")).widths == (5, 6, 2)


def test_what_is_said_instead_of_rows_stays() -> None:
    assert arranged(Table(COLUMNS, (), "nothing yet"), Arrangement("name")).empty == "nothing yet"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_cell_is_safe_to_draw(name: str) -> None:
    made = cell(name)
    assert UNSAFE.search(made.text) is None
    assert made.sort == made.text
    assert cell(name, "critical", 7) == Cell(made.text, "critical", 7)


def test_numbers_without_a_value_are_muted() -> None:
    assert number(None, format_count, "critical") == Cell("-", "muted", None)
    assert number(0, format_count, "critical") == Cell("0", "critical", 0)
    assert cell("x" * 500).text == "x" * 397 + "..."
