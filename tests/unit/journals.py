"""What tests of the journal share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chtui.errors import MigrateError
from chtui.migrate.journal import FILE_NAME, Journal
from tests.unit.hand import HandClock

PLAN = "5e0d" * 16


def begun(folder: Path, *kinds: str, **facts: Any) -> Path:
    """A journal with these events, let go of; the path of its file."""
    with Journal.create("otel_v2", PLAN, HandClock(), directory=folder) as journal:
        for kind in kinds:
            journal.append(kind, facts)
    return folder / FILE_NAME


def opened(folder: Path, plan: str | None = PLAN, run: str = "otel_v2") -> Journal:
    """The journal, held."""
    return Journal.open(run, plan, HandClock(), directory=folder)


def refusal(call: Callable[[], object]) -> MigrateError:
    """The error a call ends with."""
    with pytest.raises(MigrateError) as refused:
        call()
    assert "\n" not in refused.value.line
    assert refused.value.fix
    return refused.value
