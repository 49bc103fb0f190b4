"""`chtui show fleet`: all profiles, once."""

from __future__ import annotations

import argparse
import os
import time

POLL_SECONDS = 0.1


def run(arguments: argparse.Namespace) -> int:
    """Ask every profile, print a row for each, and return the exit code.

    Raises:
        ConfigError: the configuration cannot be read.
    """
    from chtui.clock import SystemClock
    from chtui.profile.effective import Options
    from chtui.session import Comparison, Profiles
    from chtui.views import export, fleet

    comparison = Comparison(Profiles(Options(config_file=arguments.config_file), os.environ))
    comparison.start()
    end = time.monotonic() + arguments.timeout
    while time.monotonic() < end and not all(fleet.is_complete(one) for one in comparison.seen()):
        time.sleep(POLL_SECONDS)
    seen = comparison.seen()
    comparison.stop()
    if arguments.json:
        print(export.document("fleet", SystemClock().now(), fleet.facts(seen)))
    elif arguments.csv:
        print(export.to_csv(fleet.FleetFact, fleet.facts(seen)), end="")
    else:
        print(export.to_text(fleet.table(seen)))
    return 0
