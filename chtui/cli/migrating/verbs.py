"""From the verb to the one call that carries it out."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chtui.cli.migrating import cleaning, clients, common, preparing, rehearsing, running, testing, verifying

if TYPE_CHECKING:
    from chtui.cli.migrating.common import Connect

VERBS = {
    "init": preparing.init,
    "preflight": preparing.preflight,
    "plan": preparing.plan,
    "rehearse": rehearsing.run,
    "run": running.run,
    "takeover": running.takeover,
    "status": clients.status,
    "verify": verifying.run,
    "cleanup": cleaning.run,
    "selftest": testing.run,
}
"""All others ask the process of a run."""


def run(arguments: argparse.Namespace, found: Connect) -> int:
    """Carry one verb out; return the exit code. `found` gives the profile: verbs that ask a process need none.

    Raises:
        ChtuiError: it cannot be done; the error says why in one line.
    """
    return common.told(lambda: VERBS.get(arguments.verb, clients.ask)(arguments, found))


def render(arguments: argparse.Namespace) -> int:
    """Write server XML from a spec.

    Raises:
        ChtuiError: the spec cannot be used, or a file not be written.
    """
    return common.told(lambda: preparing.render(arguments))
