"""Which hours are brought to v2 as one."""

from __future__ import annotations

import pytest

from chtui.migrate.live.repair import runs_of

HOUR = 3600
CHUNK_ROWS = 100


def hours(*numbers: int) -> list[int]:
    return [number * HOUR for number in numbers]


@pytest.mark.parametrize(
    ("lacking", "half", "equal", "runs"),
    [
        ((1, 2, 3), (), (), [(1, 2, 3)]),
        # Of the hours between them neither side has rows.
        ((1, 5, 90), (), (), [(1, 5, 90)]),
        # An hour that is equal lies between them: its rows are not copied again.
        ((1, 5), (), (3,), [(1,), (5,)]),
        ((1, 2, 5), (), (3, 9), [(1, 2), (5,)]),
        # Hours of which a host has rows are sifted, each alone.
        ((1, 4), (2, 3), (), [(1,), (2,), (3,), (4,)]),
        ((), (), (1, 2), []),
    ],
)
def test_hours_in_runs(
    lacking: tuple[int, ...], half: tuple[int, ...], equal: tuple[int, ...], runs: list[tuple[int, ...]]
) -> None:
    has_some = dict.fromkeys(hours(*lacking), False) | dict.fromkeys(hours(*half), True)
    rows = dict.fromkeys(hours(*lacking, *half, *equal), 10)
    assert runs_of(has_some, rows, CHUNK_ROWS) == [hours(*run) for run in runs]


def test_a_run_has_no_more_rows_than_a_chunk() -> None:
    has_some = dict.fromkeys(hours(1, 2, 3, 4, 5), False)
    rows = dict(zip(hours(1, 2, 3, 4, 5), (60, 40, 1, 99, 500), strict=True))
    assert runs_of(has_some, rows, CHUNK_ROWS) == [hours(1, 2), hours(3, 4), hours(5)]


def test_hours_only_v2_has_join_no_run_and_end_one() -> None:
    # v1 has none of hour 2; a host of v2 has.
    has_some = {HOUR: False, 2 * HOUR: True, 3 * HOUR: False}
    assert runs_of(has_some, {HOUR: 1, 3 * HOUR: 1}, CHUNK_ROWS) == [[HOUR], [2 * HOUR], [3 * HOUR]]
