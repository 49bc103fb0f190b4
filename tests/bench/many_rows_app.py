"""The console on a pane of 5,000 rows that are read anew every two seconds, each time with other figures."""

from __future__ import annotations

import random
import threading
import time
from datetime import timedelta

from chtui.app import ChtuiApp
from chtui.profile.model import Ui
from chtui.records import Sample
from chtui.records.merges import Merge
from tests.screens.still import HOSTS, NOW, StillSession, fixed_snapshot
from tests.support import replace

ROWS = 5000
REFRESH_SECONDS = 2.0


def merges(turn: int, host: int) -> tuple[Merge, ...]:
    """A quarter of the rows; every figure differs from one turn to the next."""
    chance = random.Random(host)
    return tuple(
        Merge(
            "otel_v2", f"traces_{number:05}", f"20260301_{number}_{number + 40}_3", "20260301", 5 + number % 7, number % 9 == 0, "Regular",
            number + turn * REFRESH_SECONDS, chance.random() * 0.9 + turn % 100 / 1000, 10**8 * number, 10**6, 9 * 10**5, 10**7, 10**6 * (turn + 1),
        )
        for number in range(ROWS // len(HOSTS))
    )  # fmt: skip


def main() -> None:
    """Run until killed."""
    session = StillSession(fixed_snapshot())

    def sampled(turn: int) -> None:
        taken_at = NOW + timedelta(seconds=turn * REFRESH_SECONDS)
        more = {(host, "merges"): Sample(merges(turn, index), taken_at) for index, host in enumerate(HOSTS)}
        samples = {**session.still.samples, **more}
        session.become(replace(session.still, taken_at=taken_at, samples=samples))

    def refresh() -> None:
        for turn in range(1000):
            sampled(turn)
            time.sleep(REFRESH_SECONDS)

    threading.Thread(target=refresh, daemon=True).start()
    ChtuiApp(lambda: session, Ui(default_pane="merges")).run(mouse=False)


if __name__ == "__main__":
    main()
