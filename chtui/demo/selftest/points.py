"""Where a case strikes: kinds of statements, points of the journal, and the signals sent there. Pure."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass

STAGES = ("snapshot", "link", "stage", "copy", "assemble", "states", "publish", "publish states", "drop")
"""The kinds of statements of a run once there is a schema, in their order."""
SCHEMA, SEAL = "schema", "seal"
"""Those before, each of which makes an object of v2; and those after, which let a table's name lead to its rows."""
POINTS = ("before", "sent", "done")
"""Before the intent is written; when it is written and nothing has happened; when it has happened and nobody knows yet."""
WIZARD, SOURCE, TARGET = "wizard", "source", "target"
"""Who is struck: the run itself; v1's server, which is the initiator too; another server."""
TARGETS = (1, 2, 3)
"""The servers that only receive, counted from 0."""
SHARDS = ((0, 1), (2, 3))
"""The servers' numbers by shard and replica."""


@dataclass(frozen=True)
class Blow:
    """A signal sent at a point of the journal."""

    stage: str
    point: str
    skip: int = 0
    """How many such points are passed over first."""
    pids: Sequence[int] = (0,)
    """Whom it strikes, all at once; 0 for the run itself, which comes last."""
    signal: int = signal.SIGKILL
    host: str = ""
    """Only statements for this host count; empty for all."""


def stage_of(statement: str) -> str:
    """Return which stage of a run a statement belongs to."""
    words = statement.split()
    named = words[5] if words[:2] == ["CREATE", "TABLE"] and words[2] == "IF" else words[2]
    states, v1 = "_agg" in named, "_v1_" in named
    if words[0] == "CREATE":
        return "snapshot" if v1 else "stage"
    if words[0] == "INSERT":
        return "states" if states else "copy"
    if words[0] == "DROP":
        return "drop"
    if "ATTACH" in words:
        return "assemble"
    if v1:
        return "link"
    return "publish states" if "daily" in named else "publish"
