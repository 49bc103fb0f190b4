"""Snapshots of v1: hard links to the parts of some partitions, so that what is copied and what is proven are the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from chtui.fleet.literal import Value, literal, quote_identifier
from chtui.migrate.hands import DROPPING, Hands
from chtui.migrate.hosts import Host
from chtui.migrate.layout import Group
from chtui.migrate.spec import Source

POLICY_SINCE = (19, 15)
"""The first version with storage policies. Source: ClickHouse 19.15 changelog."""
POLICY_COLUMN = "system.tables.storage_policy"


class Snapshot(NamedTuple):
    """Where the snapshot of each source table of a group is."""

    tables: Mapping[str, str]
    """Table of v1 to its snapshot, in the same database."""

    def origin(self, source: Source, table: str) -> str:
        """Return the table function by which any target host reads the snapshot of a table of v1."""
        return read_by(source, self.tables[table])


def read_by(source: Source, table: str) -> str:
    """Return the table function by which target hosts read a table of v1; no password is in it."""
    if source.collection:
        names = f"database = {literal(source.database)}, table = {literal(table)}"
        return f"remote({quote_identifier(source.collection)}, {names})"
    where = f"{quote_identifier(source.database)}.{quote_identifier(table)}"
    return f"cluster({literal(source.cluster)}, {where})"


def take(hands: Hands, host: Host, source: Source, group: Group) -> Snapshot:
    """Take a snapshot of all of v1's partitions a group has rows of, after dropping what earlier tries left.

    Raises:
        MigrateError, QueryError, ConnectError: it cannot be taken; nothing of it is of use then.
    """
    tag = tag_of(hands, group)
    hands.sweep(host, source.database, tag)
    prefix = hands.attempt(tag)
    found: dict[str, str] = {}
    for number, table in enumerate(dict.fromkeys(each.source for each in group.slices)):
        name = f"{prefix}_v1_{number}"
        hands.do(host, "snapshot_create", creation(host, source, table, name), tag=tag)
        wanted = {key for each in group.slices if each.source == table for key in each.source_partitions}
        for key in sorted(wanted):
            # REPLACE rather than ATTACH: sent twice it links the same parts once.
            params: dict[str, Value] = {
                "table": (source.database, name),
                "partition_id": key,
                "from": (source.database, table),
            }
            hands.do(host, "replace_partition", params, tag=tag, settings=DROPPING)
        found[table] = name
    return Snapshot(found)


def release(hands: Hands, host: Host, source: Source, group: Group) -> None:
    """Drop a group's snapshots.

    Raises:
        MigrateError, QueryError, ConnectError: one could not be dropped.
    """
    hands.sweep(host, source.database, tag_of(hands, group))


def tag_of(hands: Hands, group: Group) -> str:
    """Return the word for a group's snapshots."""
    return hands.tag(f"snapshot {group.name}")


def absent(host: Host) -> frozenset[str]:
    """Return which optional columns of `source_table` a server lacks.

    Raises:
        ConnectError: it cannot be asked.
    """
    return frozenset({POLICY_COLUMN}) if host.version < POLICY_SINCE else frozenset()


def creation(host: Host, source: Source, table: str, name: str) -> dict[str, Value]:
    """Return the parameters of `snapshot_create` for a table of the form of one of v1.

    Raises:
        QueryError, ConnectError: the host would not tell its form.
    """
    absent = frozenset({POLICY_COLUMN}) if host.version < POLICY_SINCE else frozenset[str]()
    rows = host.rows("source_table", {"database": source.database, "table": table}, absent=absent)
    _, partition_by, order_by, primary_key, sample_by, policy, _ = rows[0]
    settings = {"storage_policy": literal(str(policy))} if policy and policy != "default" else {}
    return {
        "table": (source.database, name),
        "source": (source.database, table),
        "partition_by": str(partition_by),
        "primary_key": f"({primary_key})" if primary_key and primary_key != order_by else "",
        "order_by": str(order_by) or "tuple()",
        "sample_by": str(sample_by),
        "settings": ", ".join(f"{key} = {value}" for key, value in settings.items()),
    }
