"""How servers differ in what a schema is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chtui.errors import MigrateError
from chtui.migrate.hosts import Host

PASSES_ON_SINCE = (19, 14)
"""The first version on which views surely see what another view inserts into their table. Source: ClickHouse issue 8048."""
PASSES_BY_VIEW_BEFORE = (19, 9)
"""Before it, what a view inserts was seen by views of that view. Source: seen on 18.16; ClickHouse issues 2174 and 8048."""
DEFINERS_SINCE = (24, 2)
"""The first version with SQL SECURITY. Source: ClickHouse 24.2 changelog."""


class Traits(NamedTuple):
    """How servers differ in what a schema is made of."""

    passes_on: bool
    """Whether views see what another view inserts into the table they read; else aggregates take live rows from the live view."""
    has_definers: bool
    """Whether a view can be given the rights it works with."""


MODERN = Traits(passes_on=True, has_definers=True)


def traits_of(hosts: Sequence[Host]) -> Traits:
    """Return what is true of all of these servers.

    Raises:
        MigrateError: of one it is not known.
        ConnectError: one cannot be asked.
    """
    return Traits(
        passes_on=all(passes_on(host) for host in hosts),
        has_definers=all(host.version >= DEFINERS_SINCE for host in hosts),
    )


def passes_on(host: Host) -> bool:
    """Return whether, on a host, views see what another view inserts into the table they read.

    Raises:
        MigrateError: its version is one of those of which that is not known.
        ConnectError: it cannot be asked.
    """
    if PASSES_BY_VIEW_BEFORE <= host.version < PASSES_ON_SINCE:
        version = ".".join(str(number) for number in host.version)
        raise MigrateError(
            f"version {version}: whether its views see what other views insert is not known",
            where=str(host.id),
            fix="update the server first",
            exit_code=1,
        )
    return host.version >= PASSES_ON_SINCE
