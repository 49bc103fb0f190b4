"""Plots as lines of text."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chtui.text import format_seconds, width_of
from chtui.views.plot import LABEL_WIDTH, Plot, Series, draw
from tests.unit.hand import NOW


def made(*values: float | None, is_log: bool = False) -> Plot:
    return Plot(
        "p99", NOW - timedelta(hours=1), NOW, (Series("all", "accent", values),), format_seconds, is_log
    )


def text(plot: Plot, width: int = 40, height: int = 8, is_ascii: bool = True) -> list[str]:
    return ["".join(piece.text for piece in line) for line in draw(plot, width, height, is_ascii)]


@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("height", [3, 8, 20])
def test_it_takes_the_room_it_is_given(height: int, is_ascii: bool) -> None:
    lines = text(made(*range(100)), 60, height, is_ascii)
    assert len(lines) == height
    assert {width_of(line) for line in lines[1:-1]} == {60}
    assert all(width_of(line) <= 60 for line in lines)


def test_a_rising_curve_rises() -> None:
    lines = text(made(*range(100)))[1:-1]
    marks = [line[LABEL_WIDTH + 1 :] for line in lines]
    assert marks[-1].startswith("*")
    assert marks[0].endswith("*")
    assert marks[0].index("*") > marks[-1].index("*")


def test_the_largest_and_smallest_value_label_the_axis() -> None:
    lines = text(made(0.0, 8.0))
    assert lines[1].startswith("       8s")
    assert lines[-2].startswith("       0s")


def test_equal_ratios_take_equal_heights_on_a_log_scale() -> None:
    lines = text(made(0.01, 0.1, 1.0, is_log=True), 40, 7)
    assert lines[3].split()[0] == "100ms", "the middle of 10 ms and 1 s"


def test_what_is_not_known_is_a_gap() -> None:
    lines = text(made(5.0, None, 5.0), 40, 5)
    row = next(line for line in lines[1:] if "*" in line)[LABEL_WIDTH + 1 :]
    assert row[0] == "*"
    assert row[len(row) // 2] == " "
    assert row[-1] == "*"


def test_nothing_known_draws_an_empty_plot_and_names_no_value() -> None:
    lines = text(made(None, None))
    assert len(lines) == 8
    assert lines[0].endswith("-")


def test_braille_where_it_may_and_ascii_where_it_must() -> None:
    assert any(
        "\u2800" < character <= "\u28ff" for line in text(made(1, 2, 3), is_ascii=False) for character in line
    )
    assert "".join(text(made(1, 2, 3))).isascii()


def test_the_axis_of_time_ends_with_the_offset() -> None:
    last = text(made(1, 2))[-1]
    assert last.endswith(NOW.astimezone().strftime("%H:%M %z"))
