"""What every step of a run works with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from chtui.migrate.facts import Facts
from chtui.migrate.hands import Hands
from chtui.migrate.layout import Ground
from chtui.migrate.progress import Progress
from chtui.migrate.remembered import Remembered


class Stand(NamedTuple):
    """One run under its lease."""

    ground: Ground
    hands: Hands
    progress: Progress
    facts: Callable[[], Facts]
    """Returns what the journal says now."""
    folder: Path | None = None
    """The run's folder, where its report goes; None for a run that leaves none."""
    plan_hash: str = ""
    remembered: Remembered | None = None
    """What this process has read of partitions; None where everything is read anew."""
