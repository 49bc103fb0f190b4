"""What keeps v2 from being dropped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from chtui.clock import SystemClock
from chtui.errors import MigrateError
from chtui.migrate import cleanup, facts
from chtui.migrate.journal import Journal

READERS = (facts.READS, {"version": "v2", "clock_seconds": 6.0})
WRITERS = (facts.DUAL_WRITE, {"is_on": True, "clock_seconds": 5.0})


def hook(name: str) -> tuple[str, Mapping[str, Any]]:
    return facts.HOOK, {"name": name, "outcome": "begun"}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ((WRITERS,), "writers write to v2"),
        ((hook("dual_write_on"),), "writers were told to write to v2"),
        ((WRITERS, READERS), "readers are on v2"),
        ((hook("reads_v2"),), "readers were told to move to v2"),
        (((facts.LACKING, {"since_seconds": 4.0}),), "v1 may lack rows that it has"),
        (((facts.DROPPED, {"table": "traces"}),), "v1's tables traces are gone"),
    ],
)
def test_v2_is_in_use(tmp_path: Path, told: tuple[tuple[str, Mapping[str, Any]], ...], why: str) -> None:
    with Journal.create("used", "0" * 64, SystemClock(), directory=tmp_path / "run") as journal:
        for kind, facts_told in told:
            journal.append(kind, facts_told)
    with pytest.raises(MigrateError, match=f"v2 is in use: {why}") as caught:
        # Nothing is asked of any host before.
        cleanup.run("used", None, None, SystemClock(), drop_target=True, directory=tmp_path / "run")  # type: ignore[arg-type]
    assert caught.value.exit_code == 1
