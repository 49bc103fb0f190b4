"""What every step of a run works with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from chtui.migrate.facts import Facts
from chtui.migrate.hands import Hands
from chtui.migrate.layout import Ground
from chtui.migrate.progress import Progress


class Stand(NamedTuple):
    """One run under its lease."""

    ground: Ground
    hands: Hands
    progress: Progress
    facts: Callable[[], Facts]
    """Returns what the journal says now."""
