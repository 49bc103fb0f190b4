"""Copying goes on while v1 is measured, and a measurement that fails is made again, on ClickHouse 26.9."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from chtui.demo.selftest.points import SHARDS
from chtui.errors import QueryError
from chtui.fleet.literal import Value
from chtui.migrate.backfill import Backfill
from chtui.migrate.digests import DIGEST
from chtui.migrate.facts import PROVEN
from chtui.migrate.hosts import Host
from tests.engine.standing import Standing, opened
from tests.faults.comparing import assert_exact
from tests.support import ModernRig

COPY_SECONDS = 30.0


@pytest.fixture
def standing(modern: ModernRig, tmp_path: Path) -> Iterator[Standing]:
    with opened(modern, "ahead", tmp_path) as found:
        found.stand.progress.limit({"chunk_rows": 100})
        yield found


class Measuring:
    """v1's digests of slices, with something done before some of them; all else is asked as ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self.copied = threading.Event()
        self.stumble = False
        rows, run = Host.rows, Host.run

        def asking(host: Host, name: str, params: Mapping[str, Value], **how: Any) -> Sequence[Sequence[Any]]:
            if name == DIGEST and "_v1_" in str(params["from"]):
                self.asked += 1
                self.before()
            return rows(host, name, params, **how)

        def running(host: Host, name: str, params: Mapping[str, Value], **how: Any) -> None:
            run(host, name, params, **how)
            if name == "copy_slice":
                self.copied.set()

        monkeypatch.setattr(Host, "rows", asking)
        monkeypatch.setattr(Host, "run", running)

    def before(self) -> None:
        assert self.copied.wait(COPY_SECONDS), "nothing is copied while v1 is measured"
        if self.asked == 2 and self.stumble:
            raise QueryError("v1 had enough", code=439)


def again(standing: Standing) -> None:
    """Bring one partition of several slices once more, as a repair does."""
    layout = standing.stand.ground.layout
    group = max(
        layout.groups, key=lambda each: sum(piece.to_seconds - piece.from_seconds for piece in each.slices)
    )
    Backfill(standing.stand.ground, standing.stand.hands, standing.stand.progress).again(layout.cells(group))


def test_slices_are_copied_while_others_are_measured(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    measuring = Measuring(monkeypatch)
    again(standing)
    assert measuring.asked > 1
    assert_exact(standing.case, standing.ask, SHARDS)

    monkeypatch.undo()
    proven, sources = len(standing.kinds(PROVEN)), len(standing.kinds("source"))
    measuring = Measuring(monkeypatch)
    measuring.stumble = True
    again(standing)
    assert_exact(standing.case, standing.ask, SHARDS)
    assert "v1 had enough" in standing.kinds("failed")[-1]["error"]
    assert standing.stand.progress.status().last_error.endswith("v1 had enough")
    hosts = len(standing.stand.ground.hosts.targets)
    assert len(standing.kinds(PROVEN)) - proven == hosts
    assert len(standing.kinds("source")) - sources == 1
    kinds = [event.kind for event in standing.journal.events()]
    last = len(kinds) - 1 - kinds[::-1].index("source")
    assert kinds[last:].count(PROVEN) == hosts, "proven before v1's rows are written down"
