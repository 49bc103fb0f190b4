"""Commands that show panes, pages, and other clusters."""

from __future__ import annotations

from typing import ClassVar

from chtui.commands.base import Command


class OpenPane(Command):
    """Show a pane; each pane has a command of its own below this one."""

    pane: ClassVar[str] = ""
    group = "Panes"


class OpenReplicas(OpenPane):
    """Show the replicas pane."""

    pane = "replicas"
    keys, shown = "2", "2"
    title, help, footer = (
        "Replicas",
        "Shards and replicas: how each host answers, readonly tables, lag, queue, parts, disks.",
        "",
    )
    names = ("replicas",)


class OpenQueues(OpenPane):
    """Show the queues pane."""

    pane = "queues"
    keys, shown = "3", "3"
    title, help, footer = (
        "Queues",
        "Replication queues by table and cause, fetches, Distributed sends, the DDL queue.",
        "",
    )
    names = ("queues",)


class OpenTables(OpenPane):
    """Show the tables pane."""

    pane = "tables"
    keys, shown = "4", "4"
    title, help, footer = "Tables", "Tables over all hosts: rows, parts, sizes, compression, growth.", ""
    names = ("tables",)


class OpenStorage(OpenPane):
    """Show the storage pane."""

    pane = "storage"
    keys, shown = "5", "5"
    title, help, footer = (
        "Storage",
        "Disks, policies and volumes, where the bytes live, moves, what TTL will do.",
        "",
    )
    names = ("storage",)


class OpenQueries(OpenPane):
    """Show the queries pane."""

    pane = "queries"
    keys, shown = "6", "6"
    title, help, footer = (
        "Queries",
        "Running queries, latency by kind and by query, slow and failed ones.",
        "",
    )
    names = ("queries",)


class OpenMerges(OpenPane):
    """Show the merges pane."""

    pane = "merges"
    keys, shown = "7", "7"
    title, help, footer = (
        "Merges",
        "Merges and mutations, background pools, parts against the tables' limits.",
        "",
    )
    names = ("merges",)


class OpenKeeper(OpenPane):
    """Show the keeper pane."""

    pane = "keeper"
    keys, shown = "8", "8"
    title, help, footer = "Keeper", "The ensemble of ZooKeeper or Keeper, sessions, znodes.", ""
    names = ("keeper",)


class OpenPage(Command):
    """Show any page by name."""

    title, help = (
        "Open page",
        "Show a page, of a part if wanted, on what it is about: `:open table.columns otel traces`; without the word open too.",
    )
    names, takes = ("open",), "PAGE[.PART] [SUBJECT ...]"
    group = "Panes"


class OpenFleet(Command):
    """Compare all profiles."""

    title, help = (
        "Fleet",
        "All profiles of the configuration, one row each: hosts up, worst state, what is readonly or late.",
    )
    names = ("fleet",)
    group = "Panes"


class UseCluster(Command):
    """Show another cluster."""

    title, help = "Cluster", "Show another cluster that the seed hosts know; without a name they are listed."
    names, takes = ("cluster",), "NAME"
    group = "Panes"


class UseProfile(Command):
    """Show another profile."""

    title, help = "Profile", "Leave this profile and open another one; without a name they are listed."
    names, takes = ("profile",), "NAME"
    group = "Panes"


PANES = tuple(dict.fromkeys(command.pane for command in OpenPane.__subclasses__() if command.pane))
"""Every pane's name, in the order of the keys."""
