"""A migration while writers go on, late, early, skewed, retried and switching at different moments: exact, through kills."""

from __future__ import annotations

from pathlib import Path

import pytest

from chtui.demo.selftest.oracle import clean, prepare
from chtui.demo.selftest.points import Blow
from chtui.migrate import sealed_report
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
