"""Places a row can lead to, each with its name: what `x` offers."""

from __future__ import annotations

from chtui.text import sanitize
from chtui.views.table import Link

Place = tuple[str, Link]


def to_host(host: str) -> Place:
    """Return the detail of a host, `host_name:port`."""
    return f"host {sanitize(host)}", Link("host", (host,))


def to_table(database: str, table: str) -> Place:
    """Return the page of a table."""
    return f"table {sanitize(f'{database}.{table}')}", Link("table", (database, table))


def to_partition(database: str, table: str, partition_id: str) -> Place:
    """Return the page of a partition."""
    return f"partition {sanitize(partition_id)}", Link("partition", (database, table, partition_id))


def to_queue(database: str, table: str) -> Place:
    """Return the replication queue of a table."""
    return f"replication queue of {sanitize(f'{database}.{table}')}", Link("queue", (database, table))


def to_znode(path: str) -> Place:
    """Return a znode."""
    return f"znode {sanitize(path)}", Link("znode", (path,))
