"""How much of the servers' time chtui takes itself."""

from __future__ import annotations

from collections import deque

from chtui.records import Cost, HostId

WINDOW_SECONDS = 60.0
FIRST_SECONDS = 15.0
"""Before this the figure would tell of the start, when everything is asked at once."""


class Meter:
    """The cost of chtui's own queries over the last minute."""

    def __init__(self) -> None:
        self._costs: deque[tuple[float, HostId, Cost]] = deque()
        self._began: float | None = None

    def add(self, host: HostId, monotonic: float, cost: Cost) -> None:
        """Count one answer."""
        self._began = monotonic if self._began is None else self._began
        self._costs.append((monotonic, host, cost))

    def share(self, monotonic: float) -> tuple[float | None, bool]:
        """Return the busiest host's seconds of query time a second, as a ratio, and whether servers told all of it.

        None during the first seconds.
        """
        while self._costs and self._costs[0][0] < monotonic - WINDOW_SECONDS:
            self._costs.popleft()
        if self._began is None or monotonic - self._began < FIRST_SECONDS:
            return None, True
        totals: dict[HostId, float] = {}
        for _, host, cost in self._costs:
            totals[host] = totals.get(host, 0.0) + cost.seconds
        window = min(WINDOW_SECONDS, monotonic - self._began)
        return max(totals.values(), default=0.0) / window, all(
            cost.is_server_time for _, _, cost in self._costs
        )
