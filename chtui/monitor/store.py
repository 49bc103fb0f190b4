"""The last samples of every host, immutable each; the scheduler's side writes, everyone reads."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from datetime import datetime

from chtui.records import HostId, Sample

EMPTY = Sample()


class Store:
    """Samples by host and sample key: a probe's name, and what it was asked for. A recording read from a file is another object with the same two reading methods."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: dict[tuple[HostId, str], Sample] = {}

    def get(self, host: HostId, key: str) -> Sample | None:
        """Return the last sample, None before the first attempt ended."""
        with self._lock:
            return self._samples.get((host, key))

    def at(self, instant: datetime | None = None) -> Mapping[tuple[HostId, str], Sample]:
        """Return all samples as of `instant`; a live store knows only now, so every instant gives the same."""
        del instant
        with self._lock:
            return dict(self._samples)

    def put(self, host: HostId, key: str, sample: Sample) -> None:
        """Replace a sample by a good one; the old one stays reachable as `previous`, for rates."""
        with self._lock:
            old = self._samples.get((host, key))
            previous = old._replace(previous=None) if old is not None and old.taken_at is not None else None
            self._samples[host, key] = sample._replace(previous=previous)

    def fail(self, host: HostId, key: str, error: str, failed_at: datetime) -> None:
        """Note that an attempt gave nothing; the last good rows stay, with their age."""
        with self._lock:
            old = self._samples.get((host, key), EMPTY)
            self._samples[host, key] = old._replace(error=error, failed_at=failed_at)

    def unavailable(self, host: HostId, key: str, reason: str, is_too_old: bool = False) -> None:
        """Note that this server or user can never answer the probe."""
        with self._lock:
            self._samples[host, key] = Sample(unavailable=reason, is_too_old=is_too_old)

    def clear(self, host: HostId, key: str, taken_at: datetime) -> None:
        """Note that there is nothing to ask: the sample is empty and good."""
        with self._lock:
            old = self._samples.get((host, key))
            if old is None or old.rows or old.error:
                self._samples[host, key] = Sample(taken_at=taken_at)

    def drop(self, keys: Collection[str]) -> None:
        """Drop the samples of these keys on every host."""
        with self._lock:
            self._samples = {key: sample for key, sample in self._samples.items() if key[1] not in keys}

    def forget(self, host: HostId) -> None:
        """Drop everything of a host that left the cluster."""
        with self._lock:
            self._samples = {at: sample for at, sample in self._samples.items() if at[0] != host}
