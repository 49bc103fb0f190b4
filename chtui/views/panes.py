"""Which panes can be shown once, and what each is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.views import replicas
from chtui.views.table import Table


@dataclass(frozen=True, slots=True)
class Pane:
    """One pane without a screen."""

    record: type
    """The facts' record type."""
    wants: tuple[Want, ...]
    facts: Callable[[Snapshot], Sequence[Any]]
    table: Callable[[Snapshot], Table]
    unavailable_fields: Mapping[str, Sequence[str]]
    """Probe to the facts it fills."""


PANES: Mapping[str, Pane] = {
    "replicas": Pane(
        replicas.ReplicaFact, replicas.WANTS, replicas.facts, replicas.table, replicas.UNAVAILABLE_FIELDS
    ),
}
"""Every pane by its name."""
