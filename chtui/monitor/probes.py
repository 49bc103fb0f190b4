"""Every probe there is, in the order in which hosts are asked what falls due at once; those of a pane are imported when it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from threading import Lock

from chtui.monitor.probe import Args, Ask, Context, Params, Probe, sample_key, to_records
from chtui.monitor.probe_sets import hosts

MODULES = ("keeper", "queues", "merges", "queries", "tables", "storage")
"""Modules of `probe_sets` after `hosts`, whose probes are asked always or from the start."""


class Probes(Mapping[str, Probe]):
    """Probes by name. Their records are many, and none but the first module's is needed for the first data."""

    def __init__(self) -> None:
        self._known: dict[str, Probe] = {probe.name: probe for probe in hosts.PROBES}
        self._places = {name: place for place, name in enumerate(self._known)}
        self._left = list(MODULES)
        self._lock = Lock()

    def __getitem__(self, name: str) -> Probe:
        while name not in self._known and self._left:
            self._load()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        self._load_all()
        return iter(self._known)

    def __len__(self) -> int:
        self._load_all()
        return len(self._known)

    def place(self, name: str) -> int:
        """Return a probe's place in the order."""
        return self._places[name]

    def _load_all(self) -> None:
        while self._left:
            self._load()

    def _load(self) -> None:
        with self._lock:
            if not self._left:
                return
            module = import_module(f"chtui.monitor.probe_sets.{self._left[0]}")
            for probe in module.PROBES:
                self._places[probe.name] = len(self._places)
                self._known[probe.name] = probe
            self._left.pop(0)


PROBES = Probes()
"""Every probe by name."""
ALWAYS = frozenset(probe.name for probe in hosts.PROBES if probe.always)
"""The names of those that are asked whether a pane wants them or not."""

__all__ = ["ALWAYS", "PROBES", "Args", "Ask", "Context", "Params", "Probe", "sample_key", "to_records"]
