"""The console on a plot whose every curve changes twice a second, above a table of 1,000 rows."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from chtui.app import ChtuiApp
from chtui.profile.model import Ui
from chtui.records import Sample
from chtui.records.merges import PartMinute, PartTable
from chtui.screens.page import PageScreen
from tests.screens.still import HOSTS, NOW, StillSession, fixed_snapshot
from tests.support import replace
from tests.unit.hand import blank

ROWS = 1000
REFRESH_SECONDS = 0.5


def minutes(turn: int, host: int) -> tuple[PartMinute, ...]:
    """An hour of three kinds of events, other counts each turn."""
    return tuple(
        PartMinute(ago, event, (ago * 7 + turn * 13 + host + place * 29) % 97, 9, 10**6, 10**9, 4.0, 0)
        for ago in range(60)
        for place, event in enumerate(("new", "merge", "mutate"))
    )


def main() -> None:
    """Run until killed."""
    session = StillSession(fixed_snapshot())
    tables = tuple(
        blank(PartTable, database="otel_v2", table=f"traces_{number:05}", new_parts=ROWS - number)
        for number in range(ROWS)
    )
    app = ChtuiApp(lambda: session, Ui(default_pane="merges"))

    def refresh() -> None:
        time.sleep(2)
        assert isinstance(app.screen, PageScreen)
        app.call_from_thread(app.screen.show_part, "throughput")
        for turn in range(10_000):
            taken_at = NOW + timedelta(seconds=turn * REFRESH_SECONDS)
            more = {
                (host, "part_minutes"): Sample(minutes(turn, index), taken_at)
                for index, host in enumerate(HOSTS)
            }
            more |= {(host, "part_tables"): Sample(tables, taken_at) for host in HOSTS}
            samples = {**session.still.samples, **more}
            session.become(replace(session.still, taken_at=taken_at, samples=samples))
            time.sleep(REFRESH_SECONDS)

    threading.Thread(target=refresh, daemon=True).start()
    app.run(mouse=False)


if __name__ == "__main__":
    main()
