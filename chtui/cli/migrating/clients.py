"""Verbs that ask the process of a run: all but `status` need it to be up."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chtui.cli.migrating.common import Connect

NOT_RUNNING = 3


def status(arguments: argparse.Namespace, found: Connect) -> int:
    """Print how far a run is; where no process is up, what its journal and its lease say."""
    from chtui.clock import SystemClock
    from chtui.errors import MigrateError
    from chtui.migrate import control
    from chtui.migrate import status as telling

    code = 0
    try:
        document = dict(control.ask(arguments.run, "status"))
    except MigrateError as error:
        if error.what != control.NOT_UP:
            raise
        document = telling.offline(arguments.run, SystemClock())
        document["notes"].append(_lease(arguments.run, document, found))
        code = NOT_RUNNING
    print(json.dumps(document, indent=2) if arguments.json else telling.to_text(document))
    return code


def ask(arguments: argparse.Namespace, _: Connect) -> int:
    """Have the process of a run do something, and print its answer."""
    from chtui.cli.migrating import common
    from chtui.migrate import control

    if arguments.verb == "drop-source":
        common.confirm(arguments.run, f"drop v1's tables of run {arguments.run}", is_sure=arguments.yes)
    answer = control.ask(arguments.run, arguments.verb, _args(arguments))
    print(json.dumps(answer, indent=2) if arguments.json else _text(answer))
    return 0


def _args(arguments: argparse.Namespace) -> dict[str, Any]:
    from chtui.errors import UsageError

    match arguments.verb:
        case "skip":
            return {"cell": arguments.cell}
        case "cutover" | "rollback":
            return {"force": arguments.accept}
        case "drop-source":
            return {"confirmed": True}
        case "dual-write":
            return {"state": arguments.state, "early": arguments.early, "force": arguments.accept}
        case "accept":
            return {"name": arguments.name}
        case "confirm":
            return {"hook": arguments.hook}
        case "set":
            pairs = [word.partition("=") for word in arguments.values]
            for name, sign, _ in pairs:
                if not sign or not name:
                    raise UsageError(f"{name!r} is no NAME=VALUE", fix="as in workers=4")
            return {name: value for name, _, value in pairs}
    return {}


def _text(answer: Mapping[str, Any]) -> str:
    from chtui.text import one_line

    return "\n".join(f"{one_line(str(name))}: {one_line(_word(value))}" for name, value in answer.items())


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}={item}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)


def _lease(run: str, document: Mapping[str, Any], found: Connect) -> str:
    """What the lease's server says of it, or why it says nothing."""
    from chtui.clock import SystemClock
    from chtui.errors import ChtuiError
    from chtui.migrate import status as telling
    from chtui.migrate.hosts import connect
    from chtui.migrate.lease import Lease
    from chtui.migrate.lease_records import Journalist
    from chtui.records import HostId

    place = document["lease"]
    if place is None:
        return "no process took the lease yet"
    name, _, port = place["host"].rpartition(":")
    try:
        hosts = connect(found().profile, place["cluster"], HostId(name, int(port)))
        try:
            lease = Lease(hosts.source, place["database"], run, Journalist("", "", ""), SystemClock())
            return telling.lease_line(lease.status())
        finally:
            hosts.close()
    except ChtuiError as error:
        return f"who holds the lease is not known: {error.line}"
