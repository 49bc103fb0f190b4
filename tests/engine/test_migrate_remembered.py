"""What was read of a partition holds until its parts are others, on ClickHouse 26.9."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from chtui.fleet.literal import Value
from chtui.migrate.backfill import Backfill
from chtui.migrate.digests import DIGEST
from chtui.migrate.hosts import Host
from chtui.migrate.layout import HOUR_SECONDS
from chtui.migrate.live.comparing import differing
from chtui.migrate.look import Look
from chtui.migrate.questions import Questions
from chtui.migrate.remembered import Remembered
from chtui.migrate.verification import Told
from chtui.records import HostId
from tests.engine.standing import Standing, opened
from tests.support import ModernRig


class Counting(Questions):
    """Counts how often rows are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: Counter[HostId] = Counter()

    def rows(self, host: Host, name: str, params: Mapping[str, Value]) -> Sequence[Sequence[Any]]:
        if name == DIGEST:
            self.read[host.id] += 1
        return super().rows(host, name, params)


@pytest.fixture
def standing(modern: ModernRig, tmp_path: Path) -> Iterator[Standing]:
    with opened(modern, "remembered", tmp_path) as found:
        yield found


def look(
    standing: Standing,
    remembered: Remembered | None,
    until_seconds: int | None = None,
    since_seconds: int | None = None,
) -> tuple[Counter[HostId], tuple[Told, dict[HostId, Told]]]:
    """What all hosts tell of the first table, and how often each was asked to read."""
    asker = Counting()
    ground = standing.stand.ground
    table = ground.spec.tables[0]
    told = Look(ground, table, False, until_seconds, asker, since_seconds, remembered).all()
    return asker.read, told


def what_was_published_is_known_without_reading_it_again(standing: Standing) -> None:
    stand, remembered = standing.stand, Remembered()
    events = stand.ground.spec.tables[0]
    cells = [
        cell
        for group in stand.ground.layout.groups
        if group.table == events.name
        for cell in stand.ground.layout.cells(group)
    ]
    source = stand.ground.hosts.source.id
    Backfill(stand.ground, stand.hands, stand.progress, remembered).again(cells)
    # Merges may have begun since, here and there.
    targets = {host.id for host in stand.ground.hosts.targets}
    read, told = look(standing, remembered)
    partitions = len(
        {group.partition_id for group in stand.ground.layout.groups if group.table == events.name}
    )
    assert sum(read[host] for host in targets - {source}) < 3 * partitions
    everything, whole = look(standing, None)
    assert told == whole
    assert all(everything[host] >= partitions for host in targets)
    again, told = look(standing, remembered)
    assert sum(again.values()) < sum(everything.values()) / 2
    assert told == whole


def a_look_that_ends_early_takes_from_memory_what_lies_before(standing: Standing) -> None:
    remembered = Remembered()
    _, (source, _) = look(standing, remembered)
    hours = sorted({hour for _, hour, _ in source.digests})
    for until in (hours[0], hours[len(hours) // 2], hours[-1], hours[-1] + HOUR_SECONDS, hours[-1] + 1):
        read, told = look(standing, remembered, until)
        everything, whole = look(standing, None, until)
        assert told == whole, until
        assert sum(read.values()) < sum(everything.values())


def a_look_at_the_last_hours_asks_once(standing: Standing) -> None:
    remembered = Remembered()
    _, (source, targets) = look(standing, remembered)
    hours = sorted({hour for _, hour, _ in source.digests})
    assert len({partition for partition, _, _ in source.digests}) > 1
    for since in (hours[0], hours[len(hours) // 2], hours[-1], hours[-1] + HOUR_SECONDS):
        read, told = look(standing, None, None, since)
        # v1's host has a share of v2 too.
        assert sum(read.values()) == 1 + len(standing.stand.ground.hosts.targets)
        for found, whole in ((told[0], source), *((told[1][host], targets[host]) for host in targets)):
            assert found.digests == {key: each for key, each in whole.digests.items() if key[1] >= since}
            assert found.failed == {}
        assert look(standing, remembered, None, since)[1] == told


def rows_that_came_or_went_are_seen(standing: Standing) -> None:
    remembered = Remembered()
    stand = standing.stand._replace(remembered=remembered)
    events = stand.ground.spec.tables[0]
    assert differing(stand, events, None) == {}
    victim = stand.ground.hosts.targets[3]
    row = "SELECT * FROM v2.events_local LIMIT 1"
    standing.query(3, f"INSERT INTO v2.events_local {row}")
    ((place, hours),) = differing(stand, events, None).items()
    assert (place.host, len(hours)) == (victim.id, 1)
    standing.query(3, "ALTER TABLE v2.events_local DELETE WHERE 1 SETTINGS mutations_sync = 2")
    assert {place.host for place in differing(stand, events, None)} == {victim.id}


def test_what_was_read_holds_until_the_parts_are_others(standing: Standing) -> None:
    what_was_published_is_known_without_reading_it_again(standing)
    a_look_that_ends_early_takes_from_memory_what_lies_before(standing)
    a_look_at_the_last_hours_asks_once(standing)
    rows_that_came_or_went_are_seen(standing)
