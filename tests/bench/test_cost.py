"""What chtui costs a crowded host: server CPU of each part of each pane, from the server's own query log."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from chtui.commands import PANES
from chtui.demo import DemoCluster
from chtui.session import Session, Watch
from chtui.views import pages
from chtui.views.panes import page
from tests.bench.crowd import cpu_seconds, crowded
from tests.bench.test_bench import report
from tests.support import rig_of

SECONDS = float(os.environ.get("CHTUI_BENCH_SECONDS", "600"))
"""How long is measured."""
SETTLE_SECONDS = 20.0
"""The first answers, when everything is asked at once, are those of opening a pane, not of having it open."""
BOUND_PERCENT = {"tables": 0.6, "storage": 0.6}
DEFAULT_BOUND_PERCENT = 0.3

PARTS = [(name, part.name) for name in PANES for part in page(name).parts if not part.demand]


@pytest.fixture(scope="module")
def crowd() -> Iterator[DemoCluster]:
    with crowded() as demo:
        yield demo


@pytest.mark.timeout(SECONDS + 900)
def test_server_cpu_of_every_part(crowd: DemoCluster) -> None:
    """Each part has a session of its own, all at once: a query is found by its session's prefix, so they need no turns."""
    sessions: dict[tuple[str, str], Session] = {}
    for name, part_name in PARTS:
        session = Session(rig_of(crowd).effective())
        part = page(name).part(part_name)
        assert part is not None
        session.start()

        def build(snapshot: object, part: pages.Part = part) -> object:
            return pages.table(part, snapshot, ())  # type: ignore[arg-type]

        session.watch("bench", Watch(build, lambda _: None), part.wants(()))
        sessions[name, part_name] = session
    time.sleep(SETTLE_SECONDS)
    before = {key: _cpu(crowd, session) for key, session in sessions.items()}
    began = time.monotonic()
    time.sleep(SECONDS)
    seconds = time.monotonic() - began
    found = {key: (_cpu(crowd, session) - before[key]) / seconds for key, session in sessions.items()}
    for session in sessions.values():
        session.stop()
    over: list[str] = []
    for (name, part_name), share in sorted(found.items()):
        bound = BOUND_PERCENT.get(name, DEFAULT_BOUND_PERCENT)
        report(f"server CPU with {name}.{part_name} open, of one core", share * 100, bound, "%")
        if share * 100 > bound:
            over.append(f"{name}.{part_name}: {share:.2%}")
    assert not over


def _cpu(crowd: DemoCluster, session: Session) -> float:
    prefix = session.query_id_prefix
    return sum(seconds for _, seconds in cpu_seconds(crowd, prefix).values())
