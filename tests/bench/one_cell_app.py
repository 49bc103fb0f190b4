"""The console on records that stand still but for one cell, which changes every half second."""

from __future__ import annotations

import threading
import time

from chtui.app import ChtuiApp
from tests.screens.still import StillSession, fixed_snapshot
from tests.support import replace


def main() -> None:
    """Run until killed."""
    session = StillSession(fixed_snapshot())

    def change() -> None:
        for turn in range(1000):
            time.sleep(0.5)
            first, *others = session.still.hosts
            other = replace(first, round_trip_seconds=0.2 + turn % 2 / 10)
            session.become(replace(session.still, hosts=(other, *others)))

    threading.Thread(target=change, daemon=True).start()
    ChtuiApp(lambda: session).run(mouse=False)


if __name__ == "__main__":
    main()
