"""A migration while writers go on, late, early, skewed, retried and switching at different moments: exact, through kills."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import clean, prepare
from chtui.demo.selftest.points import Blow
from chtui.migrate import sealed_report, spec_write
from chtui.migrate.facts import Facts
from tests.engine.commands import command
from tests.engine.walking import Walk
from tests.faults.living import EXACT_SECONDS, TABLES, assert_exact, sealed, so_far
from tests.rigs.faults_rigs import modern_case
from tests.rigs.writing import writing
from tests.support import ModernRig, wait_until


@pytest.mark.timeout(400)
def test_the_wizard_is_killed_while_rows_are_added(modern: ModernRig, tmp_path: Path) -> None:
    case = modern_case(modern, tmp_path, "l_delta", blows=(Blow("delta", "event"),))
    prepare(case, modern.query)
    with writing(case, modern.query, 4) as writers, sealed(case) as starts:
        assert starts == 2
        # While rows come, and a lateness later than the last that are compared.
        wait_until(lambda: so_far(case).is_proven, EXACT_SECONDS, "the sealed report")
        report = sealed_report.read(Path(case.directory) / "run" / sealed_report.FILE_NAME)
        assert report["exact"].startswith("exact up to 20")
        assert {table["table"] for table in report["tables"] if table["watermark"]} == TABLES
        assert_exact(case, modern.query, writers)
    clean(case, modern.query, 4)


def is_sealed(found: Facts) -> bool:
    """Whether all is sealed, and writers go on: the run lets them go on a moment after the seal."""
    return set(found.sealed) == TABLES and not found.writers_paused


@pytest.mark.timeout(400)
def test_the_journal_is_lost_while_writers_go_on(modern: ModernRig, tmp_path: Path) -> None:
    case = modern_case(modern, tmp_path, "l_lost")
    prepare(case, modern.query)
    with command() as chtui, writing(case, modern.query, 4) as writers:
        chtui.profile(modern, "admin")
        run = Walk(chtui, (), chtui.home / "spec.toml", case.name)
        run.spec.write_text(spec_write.written(case.spec()))
        anew = ("takeover", case.name, str(run.spec), "--rebuild", "--force", "--yes")
        with run.under_way():
            wait_until(lambda: set(run.facts.watermarks) == TABLES and run.facts.proven, 120, "watermarks")
            watermarks = run.facts.watermarks
            run.end()
            shutil.rmtree(run.folder)
            run.go_on(*anew)
            wait_until(lambda: is_sealed(run.facts), EXACT_SECONDS, "the seal")
            assert run.facts.watermarks == watermarks, "the views that divide rows have them"
            assert_exact(case, modern.query, writers)
            writers.told("resume_writers")
            run.end()
            kept = run.folder.with_name("kept")
            run.folder.rename(kept)
            refused = run(*anew)
            assert refused.code == 1
            assert "the names clicks, events lead to v2's rows already" in refused.err
            assert "copy the run's folder here" in refused.err
            shutil.rmtree(run.folder)
            kept.rename(run.folder)
            run.go_on("takeover", case.name, str(run.spec), "--force", "--yes")
            assert_exact(case, modern.query, writers)
            assert run("abort", case.name).code == 0
    clean(case, modern.query, 4)
