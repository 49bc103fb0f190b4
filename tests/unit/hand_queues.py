"""What tests of the queues pane share: facts and tables by page, records made by hand."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, Sample
from chtui.records.keeper import DdlEntry, DdlHostState
from chtui.records.queues import DistributionQueue, ReplicatedFetch
from chtui.views import pages, panes
from chtui.views.table import Table
from tests.unit.hand import NOW, A, B, blank, snapshot, status

HOSTS = ("ch1:9000", "ch2:9000", "ch3:9000")


def given(rows: dict[tuple[HostId, str], Sample], *hosts: HostId) -> Snapshot:
    """A snapshot of hosts that answer."""
    return snapshot(*(status(host) for host in hosts or (A, B)), samples=rows)


def facts(view: Snapshot, page: str, part: str = "", subject: tuple[str, ...] = ()) -> tuple[Any, ...]:
    """The facts of a page's part."""
    found = panes.page(page).part(part)
    assert found is not None
    return tuple(found.facts(view, subject))


def table(view: Snapshot, page: str, part: str = "", subject: tuple[str, ...] = ()) -> Table:
    """The table of a page's part."""
    found = panes.page(page).part(part)
    assert found is not None
    return pages.table(found, view, subject)


def keys(page: str, part: str = "") -> list[str]:
    """The JSON keys of a page's part."""
    found = panes.page(page).part(part)
    assert found is not None
    return [field.name for field in fields(found.record)]


def fetch(**values: Any) -> ReplicatedFetch:
    """A fetch from ch2."""
    common = {"database": "d", "table": "t", "result_part_name": "202601_1_9_2", "partition_id": "202601"}
    return blank(ReplicatedFetch, **{**common, "source_host_name": "ch2", "source_port": 9009, **values})


def send(**values: Any) -> DistributionQueue:
    """What is to be sent to one replica."""
    common = {
        "database": "d",
        "table": "all",
        "destination": "shard1_replica2",
        "broken_files": 0,
        "broken_bytes": 0,
    }
    return blank(DistributionQueue, **{**common, "last_exception_age_seconds": 1_700_000_000, **values})


def keeper_entry(**values: Any) -> DdlEntry:
    """An entry that all hosts have run, by ZooKeeper."""
    entry_name = values.get("entry", "query-0000000001")
    ended = tuple(DdlHostState(entry_name, host, "finished", 0) for host in HOSTS)
    made = DdlEntry(entry_name, NOW, 60.0, "ch1:9000", "CREATE TABLE x", HOSTS, (), ended)
    return made._replace(**values)
