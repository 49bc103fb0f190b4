"""Copies on several hosts, compared."""

from __future__ import annotations

import pytest

from chtui.views.table import Cell
from chtui.views.tables.compare import (
    QUIET_SECONDS,
    SETTLING_SECONDS,
    SKEW_LEAST_ROWS,
    SKEW_WARNING_RATIO,
    Copy,
    Memory,
    compare,
    difference_cell,
    format_skew,
    lacking_cell,
    ratio,
    ratio_cell,
    skew_style,
)
from tests.unit.hand import NOW, A, B, C, D, ago


def test_equal_replicas_of_even_shards() -> None:
    found = compare([Copy(A, 1, 100, 2), Copy(B, 1, 100, 2), Copy(C, 2, 100, 3), Copy(D, 2, 100, 3)])
    assert (found.rows, found.rows_all_replicas) == (200, 400)
    assert (found.skew_ratio, found.largest_shard_num) == (1.0, 1)
    assert (found.rows_difference, found.parts_difference, found.missing) == (0, 0, ())
    assert (found.is_different, found.words) == (False, "")


def test_a_replica_that_lacks_rows_counts_once_with_the_fuller_one() -> None:
    found = compare([Copy(A, 1, 97, 2), Copy(B, 1, 100, 1), Copy(C, 2, 50, 1)])
    assert (found.rows, found.rows_all_replicas) == (150, 247)
    assert (found.rows_difference, found.parts_difference, found.is_different) == (3, 1, True)
    assert found.words == f"{A} lacks 3 rows"
    assert found.skew_ratio == pytest.approx(100 / 75)
    assert found.largest_shard_num == 1


def test_other_parts_with_the_same_rows_are_named_and_no_alarm() -> None:
    found = compare([Copy(A, 1, 9, 4), Copy(B, 1, 9, 1), Copy(C, 2, 9, 1), Copy(D, 2, 9, 2)])
    assert (found.rows_difference, found.parts_difference, found.is_different) == (0, 3, False)
    assert found.words == f"{B} has 3 parts fewer; {D} has 1 part more"


def test_who_does_not_have_it_is_missing_only_where_a_peer_has_it() -> None:
    found = compare([Copy(A, 1, 5, 1), Copy(B, 1, None), Copy(C, 2, None), Copy(D, 2, None)])
    assert (found.rows, found.rows_all_replicas, found.missing) == (5, 5, (B,))
    assert (found.rows_difference, found.parts_difference, found.is_different) == (None, None, None)
    assert (found.skew_ratio, found.words) == (None, f"not on {B}")


def test_a_host_that_does_not_answer_proves_no_difference() -> None:
    found = compare([Copy(A, 1, 5, 1), Copy(B, 1, 3, 1, is_current=False)])
    assert (found.rows, found.rows_all_replicas) == (5, 8)
    assert (found.rows_difference, found.is_different, found.words) == (None, None, "")


def test_what_inserts_between_the_samples_explain_is_no_difference() -> None:
    copies = [Copy(A, 1, 100, 1, ago(10)), Copy(B, 1, 130, 1, NOW)]
    pace = 30 / (10 + SETTLING_SECONDS)
    assert compare(copies, pace).is_different is False
    assert compare(copies, pace * 0.99).is_different is True
    assert compare(copies, pace).rows_difference == 30
    assert SETTLING_SECONDS < QUIET_SECONDS


def test_rows_of_a_host_s_own_add_up_and_are_not_compared() -> None:
    found = compare([Copy(A, 1, 5, 1), Copy(B, 1, 3, 1), Copy(C, 2, None)], is_own=True)
    assert (found.rows, found.rows_all_replicas) == (8, 8)
    assert found[2:] == (None, None, None, None, (), None, "")


def test_few_differences_are_named_and_the_others_counted() -> None:
    found = compare([Copy(A, 1, 9), Copy(B, 1, 8), Copy(C, 1, 7), Copy(D, 1, 6), Copy(A, 1, 5)])
    assert found.words.endswith("; 1 more")
    assert found.words.count(" lacks ") == 3


def test_nothing_at_all() -> None:
    found = compare([])
    assert (found.rows, found.skew_ratio, found.rows_difference, found.is_different) == (0, None, None, None)


def test_skew_needs_two_shards_and_rows() -> None:
    assert compare([Copy(A, 1, 9), Copy(B, 1, 9)]).skew_ratio is None
    assert compare([Copy(A, 1, 0), Copy(C, 2, 0)]).skew_ratio is None
    found = compare([Copy(A, 1, 10), Copy(C, 2, 30)])
    assert (found.skew_ratio, found.largest_shard_num) == (1.5, 2)
    assert skew_style(SKEW_WARNING_RATIO, SKEW_LEAST_ROWS) == "warning"
    assert skew_style(SKEW_WARNING_RATIO, SKEW_LEAST_ROWS - 1) == ""
    assert skew_style(SKEW_WARNING_RATIO - 0.01, SKEW_LEAST_ROWS) == ""
    assert skew_style(None, None) == ""
    assert (format_skew(1.25), format_skew(None)) == ("1.25x", "-")


def test_cells_say_it_in_words() -> None:
    assert difference_cell(True, 3, 1, 0)[:2] == ("-3 rows", "warning")
    assert difference_cell(False, 1, 0, 0)[:2] == ("-1 row", "muted")
    assert difference_cell(None, None, None, 2)[:2] == ("not on 2 hosts", "muted")
    assert difference_cell(None, None, None, 1, is_replicated=True)[:2] == ("not on 1 host", "warning")
    assert difference_cell(False, 0, 2, 0)[:2] == ("parts +2", "muted")
    assert difference_cell(False, 0, 0, 0)[:2] == ("same", "ok")
    assert difference_cell(None, None, None, 0) == Cell("-", "muted")
    assert lacking_cell(None, None, None) == Cell("-", "muted")
    assert lacking_cell(0, True, 0)[:2] == ("same", "ok")
    assert lacking_cell(5, True, None)[:2] == ("-5", "warning")
    assert lacking_cell(5, True, 3)[:2] == ("-5", "muted")
    assert lacking_cell(5, False, None)[:2] == ("-5", "muted")


def test_ratios() -> None:
    assert ratio(100, 10) == 10.0
    assert ratio(0, 10) is ratio(10, 0) is None
    assert ratio_cell(100, 10) == Cell("10.0:1", "", 10.0)
    assert ratio_cell(None, None) == ratio_cell(0, 0) == Cell("-", "muted", None)


def test_the_very_same_inputs_give_what_was_made_before() -> None:
    made: list[int] = []
    memory, first, second = Memory(), ["a"], ["a"]

    def make() -> list[int]:
        made.append(len(made))
        return made

    for inputs in ((first, "x"), (first, "x"), (second, "x"), (second, "y"), (second,)):
        memory.of(inputs, make)
    assert made == [0, 1, 2, 3]
