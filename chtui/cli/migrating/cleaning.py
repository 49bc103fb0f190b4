"""`chtui migrate cleanup`: by the run's process where one is up, else here."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from chtui.cli.migrating import common

if TYPE_CHECKING:
    from chtui.cli.migrating.common import Connect


def run(arguments: argparse.Namespace, found: Connect) -> int:
    """Drop what a run left, and v2's objects with `--drop-target`."""
    from chtui.clock import SystemClock
    from chtui.migrate import cleanup, journal

    spec = common.spec(arguments.spec)
    name = journal.checked_run(arguments.run)
    what = f"drop all own tables and the lease of run {name}"
    if arguments.drop_target:
        what += f", and every object of the spec in database {spec.target.database} with its rows"
    common.confirm(name, what, is_sure=arguments.yes)
    with common.held(name):
        hosts = common.hosts(spec, found().profile)
        try:
            done = cleanup.run(
                name, spec, hosts, SystemClock(), drop_target=arguments.drop_target, say=common.say
            )
        finally:
            hosts.close()
    document = {
        "schema": "chtui/1 migrate cleanup",
        "run": name,
        "dropped": {str(host): list(names) for host, names in done.dropped.items()},
        "left": {str(host): list(lines) for host, lines in done.left.items()},
    }
    if arguments.json:
        print(json.dumps(document, indent=2))
        return 0
    print(f"run {name}: its own tables and its lease are dropped; its journal stays")
    for host, names in done.dropped.items():
        print(f"{host}: {len(names)} objects of v2 dropped")
    for host, lines in done.left.items():
        for line in lines:
            print(f"{host}: left: {line}")
    return 0
