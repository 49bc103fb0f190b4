"""A migration while writers go on, late, early, skewed, retried and switching at different moments: exact, through kills."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.living import TABLES, assert_exact, events, haunted, sealed, so_far, under_way
from tests.faults.migrations import clean, prepare
from tests.rigs.faults_rigs import modern_case
from tests.rigs.writing import writing
from tests.support import ModernRig, wait_until


@pytest.mark.timeout(400)
def test_the_wizard_is_killed_while_rows_are_added(modern: ModernRig, tmp_path: Path) -> None:
    case = replace(modern_case(modern, tmp_path, "l_delta"), stage="delta", point="event")
    prepare(case, modern.query)
    with writing(case, modern.query, 4) as writers, sealed(case) as starts:
        assert starts == 2
        assert_exact(case, modern.query, writers)
    clean(case, modern.query, 4)


@pytest.mark.timeout(500)
def test_rows_that_v1_has_not_are_taken_away_while_writers_pause(modern: ModernRig, tmp_path: Path) -> None:
    case = modern_case(modern, tmp_path, "ghost")
    prepare(case, modern.query)
    with writing(case, modern.query, 4) as writers, under_way(case):
        haunted(case, modern.query)
        wait_until(lambda: set(so_far(case).sealed) == TABLES, 240, "the seal")
        wait_until(lambda: not so_far(case).writers_paused, 30, "writers go on")
        assert_exact(case, modern.query, writers)
    pauses = [event for event in events(case, "hook") if event.facts["name"] == "pause_writers"]
    assert len(pauses) > 2, "one pause for the ghosts, one for the seal"
    clean(case, modern.query, 4)
