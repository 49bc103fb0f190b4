"""What the rows of partitions are whose parts have not changed since somebody read them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import NamedTuple

from chtui.migrate.digests import Digest
from chtui.migrate.verification import Place
from chtui.records import HostId

Found = Mapping[Place, Digest]


class Partition(NamedTuple):
    """One partition of a table on one host, as a table of v2 sees its rows."""

    host: HostId
    database: str
    name: str
    """The table that was read: one of v1, or v2's local one."""
    table: str
    """The table of v2."""
    partition_id: str
    """Of the table that was read."""


class Remembered:
    """Digests of whole partitions, each with the mark its parts had; threads share it.

    Parts never change: a partition whose mark is the same has the same rows. Source: `migrate/partition_marks`.
    """

    def __init__(self) -> None:
        self._found: dict[Partition, tuple[int, Found]] = {}
        self._lock = threading.Lock()

    def put(self, partition: Partition, mark: int, found: Found) -> None:
        """Keep what all rows of a partition are that had this mark before and after they were read."""
        with self._lock:
            self._found[partition] = (mark, dict(found))

    def get(self, partition: Partition, mark: int) -> Found | None:
        """Return what a partition's rows are; None where nobody read them, or its parts are others now."""
        with self._lock:
            known = self._found.get(partition)
        return known[1] if known and known[0] == mark else None
