"""How much the demo's writers write, and how badly: rates told over HTTP, and the share of a number of things that is due."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

MOST_ROWS_PER_SECOND = 100_000.0
MOST_LATE_SECONDS = 30 * 86400.0
"""A batch may spread over no more partitions than an insert may write."""
MOST_SKEW_SECONDS = 86400.0

LIMITS: Mapping[str, tuple[float, float]] = {
    "rows_per_second": (0.0, MOST_ROWS_PER_SECOND),
    "batch_seconds": (0.05, 60.0),
    "late_ratio": (0.0, 1.0),
    "late_seconds": (0.001, MOST_LATE_SECONDS),
    "early_ratio": (0.0, 1.0),
    "early_seconds": (0.001, MOST_LATE_SECONDS),
    "retry_ratio": (0.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class Rates:
    """What all writers together do."""

    rows_per_second: float = 30.0
    """Over all tables."""
    batch_seconds: float = 2.0
    """Each writer sends a batch to each table once in so long."""
    late_ratio: float = 0.0
    """This share of the rows has an event time up to `late_seconds` before its place."""
    late_seconds: float = 300.0
    early_ratio: float = 0.0
    """This share of the rows has an event time up to `early_seconds` after its place, so in the future."""
    early_seconds: float = 60.0
    retry_ratio: float = 0.0
    """This share of the batches is sent twice, though the first sending was acknowledged."""
    skew_seconds: tuple[float, ...] = ()
    """How far each writer's clock is ahead, by its number; who is not named has the right time."""

    def skew_of(self, writer: int) -> float:
        """Return how far a writer's clock is ahead, in seconds."""
        return self.skew_seconds[writer] if writer < len(self.skew_seconds) else 0.0

    def as_dict(self) -> dict[str, object]:
        """Return the rates as JSON holds them."""
        return {**asdict(self), "skew_seconds": list(self.skew_seconds)}


def changed(rates: Rates, wanted: Mapping[str, object]) -> Rates:
    """Return the rates with some of them changed.

    Raises:
        ValueError: a name is unknown or a value is out of its range; the text says which.
    """
    known = [field.name for field in fields(Rates)]
    if set(wanted) - set(known):
        raise ValueError(f"unknown rate; there are: {', '.join(known)}")
    values: dict[str, float | tuple[float, ...]] = {}
    for name, value in wanted.items():
        if name != "skew_seconds":
            values[name] = _number(name, value, *LIMITS[name])
        elif not isinstance(value, list) or len(value) > 256:
            raise ValueError("skew_seconds is a list of at most 256 numbers, one a writer")
        else:
            values[name] = tuple(_number(name, one, -MOST_SKEW_SECONDS, MOST_SKEW_SECONDS) for one in value)
    found = replace(rates, **values)  # type: ignore[arg-type]
    if found.late_ratio + found.early_ratio > 1:
        raise ValueError("late_ratio and early_ratio are more than 1 together")
    return found


def number_in(wanted: Mapping[str, object], name: str, default: float, most: float) -> float:
    """Return a number from 0 to `most` out of a request, the default where it is not named.

    Raises:
        ValueError: it is none.
    """
    return _number(name, wanted.get(name, default), 0.0, most)


def _number(name: str, value: object, least: float, most: float) -> float:
    # infinity and what is no number at all are in no range
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} is a number from {least:g} to {most:g}")
    return float(value)


class Share:
    """Counts out a share so that over time it is exact: 1 % of ten batches of thirty rows is three rows, not none."""

    def __init__(self) -> None:
        self._owed = 0.0

    def of(self, amount: float, most: int) -> int:
        """Return how many are due now, at most `most`; what is left over is owed to the next call."""
        self._owed += amount
        due = min(most, math.floor(self._owed + 1e-9))
        # what cannot be given now is not saved up without end
        self._owed = min(self._owed - due, float(most) + 1)
        return due
