"""What tests of a whole fleet share: one look at everything, a server with another configuration, its query log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from chtui import sql
from chtui.errors import ChtuiError
from chtui.monitor.probes import PROBES
from chtui.monitor.scheduler import Want
from chtui.monitor.snapshot import Snapshot
from chtui.profile.options import Effective
from chtui.records import HostId, HostState
from chtui.session import Session
from tests.rigs.servers import QueryError
from tests.support import ModernRig, wait_until

OWN_PARAMS = frozenset(
    {
        "delay_seconds",
        "every_table",
        "max_rows",
        "names",
        "newest_seconds",
        "oldest_seconds",
        "queue_entries",
        "tables",
    }
)
"""Parameters probes fill themselves; a want names the others."""


def want_of(name: str) -> Want:
    """A want of a probe, about something that need not be there."""
    probe = PROBES[name]
    statement = sql.load(f"monitor/{probe.text_from}") if probe.text_from else probe.statement
    names = [column.name for column in statement.params if column.name not in OWN_PARAMS]
    values: dict[str, int | str] = {
        column.name: 1 if "Int" in column.type else "otel" for column in statement.params
    }
    return Want(name, args=tuple((each, values[each]) for each in names))


EVERYTHING = tuple(want_of(name) for name in PROBES)
COLLECT_SECONDS = 40.0


def collected(
    found: Effective, wants: Iterable[Want] = EVERYTHING, seconds: float = COLLECT_SECONDS
) -> Snapshot:
    """One look at the whole cluster."""
    return Session(found).collect(tuple(wants), seconds)


def ids(rig: ModernRig) -> list[HostId]:
    """The hosts of the rig, in the order of shard and replica."""
    return [HostId("127.0.0.1", port) for port in rig.ports]


def states(snapshot: Snapshot) -> list[HostState]:
    """The hosts' states, in the order of shard and replica."""
    return [status.state for status in snapshot.hosts]


def answers(rig: ModernRig, index: int) -> bool:
    """Whether a node answers a query."""
    try:
        return rig.query(index, "SELECT 1") == "1\n"
    except (ChtuiError, QueryError, OSError):
        return False  # not answering is one of the two answers


def restart(rig: ModernRig, index: int) -> None:
    """Restart a node, the quick way, and wait until it answers."""
    rig.nodes[index].kill()
    rig.nodes[index].restart()
    wait_until(lambda: answers(rig, index), 60, "the restarted node")


@contextmanager
def reconfigured(
    rig: ModernRig, changes: Mapping[int, Callable[[ElementTree.Element], None]]
) -> Iterator[None]:
    """Servers with a changed `config.xml`, by index; they are restarted for it, and again at the end."""
    files = {index: Path(str(getattr(rig.nodes[index], "directory"))) / "config.xml" for index in changes}  # noqa: B009
    before = {index: path.read_text() for index, path in files.items()}
    try:
        for index, change in changes.items():
            tree = ElementTree.fromstring(before[index])
            change(tree)
            files[index].write_text(ElementTree.tostring(tree, encoding="unicode"))
            restart(rig, index)
        yield
    finally:
        for index, text in before.items():
            files[index].write_text(text)
            restart(rig, index)


@dataclass(frozen=True)
class Logged:
    """A row of `system.query_log`: a query that began."""

    query_id: str
    kind: str
    settings: dict[str, str]
    query: str
    exception_code: int


@contextmanager
def query_log(rig: ModernRig, index: int, user: str) -> Iterator[list[Logged]]:
    """The queries a user ends on one node meanwhile; filled when the block is left."""
    since = rig.query(index, "SELECT toString(now64(6))").strip()
    found: list[Logged] = []
    yield found
    rig.query(index, "SYSTEM FLUSH LOGS")
    text = rig.query(
        index,
        "SELECT query_id, query_kind, Settings, query, exception_code FROM system.query_log "
        f"WHERE type != 'QueryStart' AND user = '{user}' AND event_time_microseconds >= '{since}' "
        "ORDER BY event_time_microseconds FORMAT JSONEachRow",
    )
    for line in text.splitlines():
        row: dict[str, Any] = json.loads(line)
        found.append(
            Logged(
                row["query_id"], row["query_kind"], row["Settings"], row["query"], int(row["exception_code"])
            )
        )
