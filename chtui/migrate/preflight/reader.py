"""A host that is only read, whatever its user's profile would cut from the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chtui.errors import ConnectError
from chtui.fleet.driver import Driver
from chtui.fleet.literal import Value
from chtui.migrate.hosts import READ_SECONDS, Host, Hosts

CUTTING: Mapping[str, int | str] = {"limit": 0, "offset": 0}
MODES: Mapping[str, int | str] = dict.fromkeys(
    (
        "read_overflow_mode", "timeout_overflow_mode", "result_overflow_mode", "group_by_overflow_mode", "sort_overflow_mode",
        "set_overflow_mode", "distinct_overflow_mode", "join_overflow_mode", "transfer_overflow_mode",
    ),
    "throw",
)  # fmt: skip
BOUNDS: Mapping[str, int | str] = dict.fromkeys(
    ("max_rows_to_read", "max_bytes_to_read", "max_result_rows", "max_result_bytes", "max_rows_to_group_by"),
    0,
)
WHOLE: Mapping[str, int | str] = {**CUTTING, **MODES, **BOUNDS}
"""Settings with which an answer is whole, or none at all."""


class Reader(Host):
    """A host of the migration, on its own connections; it cannot be told to change anything."""

    def __init__(self, host: Host) -> None:
        super().__init__(host.id, host.shard_num, _never)
        self._host = host

    @property
    def version(self) -> tuple[int, ...]:
        """The server's version."""
        return self._host.version

    def rows(
        self,
        name: str,
        params: Mapping[str, Value] | None = None,
        *,
        seconds: float = READ_SECONDS,
        settings: Mapping[str, int | str] | None = None,
        query_id: str = "",
        absent: frozenset[str] = frozenset(),
    ) -> Sequence[Sequence[Any]]:
        """Return all rows a statement gives, also where the user's profile would cut them."""
        return self.as_the_profile_has_it(
            name,
            params,
            seconds=seconds,
            settings={**WHOLE, **(settings or {})},
            query_id=query_id,
            absent=absent,
        )

    def as_the_profile_has_it(
        self,
        name: str,
        params: Mapping[str, Value] | None = None,
        *,
        seconds: float = READ_SECONDS,
        settings: Mapping[str, int | str] | None = None,
        query_id: str = "",
        absent: frozenset[str] = frozenset(),
    ) -> Sequence[Sequence[Any]]:
        """Return the rows a statement gives with these settings alone."""
        return self._host.rows(
            name, params, seconds=seconds, settings=settings, query_id=query_id, absent=absent
        )

    def run(self, name: str, *_given: object, **_more: object) -> None:
        """Refuse: preflight changes nothing."""
        raise AssertionError(f"preflight changes nothing, and {name} would")


def readers(hosts: Hosts) -> Hosts:
    """Return the same hosts, only to be read."""
    by_id = {host.id: Reader(host) for host in hosts.everyone}
    return Hosts(by_id[hosts.source.id], tuple(by_id[host.id] for host in hosts.targets))


def _never() -> Driver:
    raise ConnectError("down", "a reader has no connections of its own")
