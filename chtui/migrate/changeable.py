"""The limits of a spec that can be changed while a run is up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from chtui.errors import MigrateError
from chtui.text import one_line


class Bounds(NamedTuple):
    """What a limit may be."""

    low: float
    high: float
    is_whole: bool


BOUNDS: Mapping[str, Bounds] = MappingProxyType(
    {
        "workers": Bounds(1, 64, True),
        "chunk_rows": Bounds(1, 10**10, True),
        "queue_entries": Bounds(1, 10**6, True),
        "parts_per_partition": Bounds(1, 10**5, True),
        "running_merges": Bounds(1, 10**5, True),
        "free_space_ratio": Bounds(0, 0.99, False),
        "replica_delay_seconds": Bounds(0, 86400, False),
        "query_p95_seconds": Bounds(0, 86400, False),
    }
)
"""As the spec's file bounds them."""
PROBE = "probe_url"
NAMES = (*BOUNDS, PROBE)


def read(words: Mapping[str, str]) -> dict[str, int | float | str]:
    """Return limits by name, each given as text.

    Raises:
        MigrateError: there is none of a name, or it cannot be that.
    """
    return {name: _read(name, one_line(text, 2000)) for name, text in words.items()}


def _read(name: str, text: str) -> int | float | str:
    if name == PROBE:
        if text and not re.match(r"https?://[^/]", text):
            raise MigrateError(f"{name} cannot be {text!r}", fix="give an http:// or https:// address")
        return text
    if name not in BOUNDS:
        raise MigrateError(
            f"{one_line(name, 60)!r} cannot be changed while a run is up", fix=f"change {', '.join(NAMES)}"
        )
    bounds = BOUNDS[name]
    try:
        value = int(text) if bounds.is_whole else float(text)
    except ValueError:
        value = bounds.low - 1
    if not bounds.low <= value <= bounds.high:
        kind = "whole number" if bounds.is_whole else "number"
        raise MigrateError(
            f"{name} cannot be {text!r}", fix=f"give a {kind} from {bounds.low:g} to {bounds.high:g}"
        )
    return value
