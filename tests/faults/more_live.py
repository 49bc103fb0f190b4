"""More of a migration while writers go on, for which `make test` has no time: name this file to pytest to run it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import clean, findings, prepare
from chtui.demo.selftest.points import SHARDS, Blow
from chtui.migrate import control
from tests.faults.living import TABLES, assert_exact, events, haunted, sealed, so_far, under_way
from tests.rigs.faults_rigs import modern_case
from tests.rigs.migrating import HOOKS
from tests.rigs.writing import writing
from tests.support import ModernRig, wait_until


@pytest.mark.timeout(500)
def test_writers_go_on(modern: ModernRig, tmp_path: Path) -> None:
    case = modern_case(modern, tmp_path, "live")
    prepare(case, modern.query)
    with writing(case, modern.query, 4) as writers, sealed(case) as starts:
        assert starts == 1
        before = writers.batches
        wait_until(lambda: writers.batches > before + 5, 30, "writers write on")
        assert_exact(case, modern.query, writers)
    assert not so_far(case).exact_until, "nothing may be missing"
    clean(case, modern.query, 4)


@pytest.mark.timeout(500)
def test_rows_that_never_reach_v2_are_brought(modern: ModernRig, tmp_path: Path) -> None:
    case = modern_case(modern, tmp_path, "gap")
    prepare(case, modern.query)
    with writing(case, modern.query, 4) as writers, under_way(case):
        wait_until(lambda: so_far(case).watermarks, 60, "watermarks")
        writers.habits = replace(writers.habits, v2_failure_ratio=0.3)
        wait_until(lambda: set(so_far(case).sealed) == TABLES, 240, "the seal")
        writers.habits = replace(writers.habits, v2_failure_ratio=0.0)
        wait_until(lambda: not so_far(case).writers_paused, 30, "writers go on")
        assert_exact(case, modern.query, writers)
    clean(case, modern.query, 4)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["sealed", "watermark", "pause_writers"])
def test_the_wizard_is_killed(modern: ModernRig, tmp_path: Path, kind: str) -> None:
    case = modern_case(modern, tmp_path, f"l_{kind[:5]}", blows=(Blow(kind, "event"),))
    prepare(case, modern.query)
    with writing(case, modern.query, 4) as writers, sealed(case) as starts:
        assert starts == 2
        assert_exact(case, modern.query, writers)
    clean(case, modern.query, 4)


@pytest.mark.timeout(500)
def test_rows_that_v1_has_not_block_the_seal_until_somebody_accepts_them(
    modern: ModernRig, tmp_path: Path
) -> None:
    case = replace(modern_case(modern, tmp_path, "accept"), hooks=HOOKS[:2])
    directory = Path(case.directory) / "run"
    prepare(case, modern.query)

    def held_up() -> str:
        return str(control.ask(case.name, "status", directory=directory)["held_up_by"])

    with writing(case, modern.query, 4) as writers, under_way(case):
        haunted(case, modern.query)
        wait_until(lambda: "v2 has rows that v1 has not" in held_up(), 120, "the reason")
        assert "events" in held_up()
        assert not so_far(case).sealed
        for event in events(case, "repaired"):
            for name in event.facts["extra"]:
                control.ask(case.name, "accept", {"name": name}, directory=directory)
        wait_until(lambda: set(so_far(case).sealed) == TABLES, 240, "the seal")
        writers.told("pause_writers")
        extra = 2 * len(SHARDS[0])
        wait_until(
            lambda: (found := findings(case, modern.query, SHARDS)).extra == extra and not found.missing,
            60,
            "the accepted rows alone",
        )
    assert set(so_far(case).exact_until) == TABLES, "without a pause nobody knows of later rows"
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
