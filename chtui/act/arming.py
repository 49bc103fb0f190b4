"""Arming: for some minutes one cluster may be changed, and never without having been asked for."""

from __future__ import annotations

from typing import NamedTuple

from chtui.clock import Clock
from chtui.errors import UsageError
from chtui.profile.model import Profile
from chtui.text import one_line

DEFAULT_MINUTES = 10
LEAST_MINUTES, MOST_MINUTES = 1, 60
OFF_WORDS = frozenset({"off", "0"})


class _Armed(NamedTuple):
    cluster: str
    monotonic_until: float
    wall_until: float


class Arming:
    """Whether a profile's cluster may be changed now. Any thread may ask; one arms."""

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._profile = profile
        self._clock = clock
        self._armed: _Armed | None = None

    def arm(self, cluster: str, minutes: float = DEFAULT_MINUTES) -> None:
        """Allow changes to `cluster`, and to no other, from now on for so many minutes.

        Raises:
            UsageError: the profile forbids it, no cluster is known yet, or the minutes are out of bounds.
        """
        if not self._profile.write_allowed:
            raise UsageError(
                "this profile may not be armed: its write_allowed is false",
                where=f"profile {self._profile.name}",
                fix="use another profile, or change it in config.toml",
            )
        if not cluster:
            raise UsageError("no cluster is known yet, so none can be armed", fix="wait for a host to answer")
        if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
            raise UsageError(
                f"{minutes:g} minutes are out of bounds",
                where=":write",
                fix=f"give {LEAST_MINUTES} to {MOST_MINUTES} minutes",
            )
        seconds = minutes * 60
        # The wall clock too: the monotonic one may stand still while the machine sleeps.
        self._armed = _Armed(
            cluster, self._clock.monotonic() + seconds, self._clock.now().timestamp() + seconds
        )

    def disarm(self) -> None:
        """Allow nothing any more."""
        self._armed = None

    @property
    def cluster(self) -> str:
        """The cluster that may be changed now; empty for none."""
        armed = self._armed
        return armed.cluster if armed is not None and self._left(armed) > 0 else ""

    @property
    def remaining_seconds(self) -> float:
        """Seconds until it expires; 0 when nothing is armed."""
        armed = self._armed
        return max(0.0, self._left(armed)) if armed is not None else 0.0

    def require(self, cluster: str) -> None:
        """Do nothing if `cluster` may be changed now.

        Raises:
            UsageError: nothing is armed, or another cluster is.
        """
        armed = self.cluster
        fix = "arm it with :write [minutes]"
        if not armed:
            raise UsageError("read-only: no cluster is armed", where=_named(cluster), fix=fix)
        if armed != cluster:
            raise UsageError(f"read-only: only {_named(armed)} is armed", where=_named(cluster), fix=fix)

    def _left(self, armed: _Armed) -> float:
        """Seconds left by the clock that has gone further."""
        return min(
            armed.monotonic_until - self._clock.monotonic(), armed.wall_until - self._clock.now().timestamp()
        )


def parse_minutes(text: str) -> int:
    """Return the minutes in the argument of `:write`: 10 for nothing, 0 for `off`, which disarms.

    Raises:
        UsageError: it is neither whole minutes in bounds nor `off`.
    """
    word = text.strip().lower()
    if not word:
        return DEFAULT_MINUTES
    if word in OFF_WORDS:
        return 0
    is_number = word.isascii() and word.isdecimal() and len(word) <= 3
    if not is_number or not LEAST_MINUTES <= int(word) <= MOST_MINUTES:
        raise UsageError(
            f"'{one_line(text, 40)}' is no number of minutes",
            where=":write",
            fix=f"give {LEAST_MINUTES} to {MOST_MINUTES}, or off",
        )
    return int(word)


def _named(cluster: str) -> str:
    return f"cluster {one_line(cluster, 60)}"
