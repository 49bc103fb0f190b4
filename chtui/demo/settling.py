"""Statements that were sent and not answered: found out whether they still run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chtui.demo.client import Client
from chtui.errors import ConnectError, DeadlineError, QueryError
from chtui.sql import load

ASK_SECONDS = 2.0
ABSENCES = 2
"""A host that hung may answer before it begins what it had been sent; so it is asked twice."""


@dataclass(slots=True)
class Unsettled:
    """A statement whose end nobody told."""

    query_id: str
    absences: int = 0
    """So often in a row no host ran it."""

    @property
    def is_settled(self) -> bool:
        """It runs nowhere."""
        return self.absences >= ABSENCES


def running(client: Client, ports: Sequence[int]) -> set[str] | None:
    """Return the ids of the ingestion's statements that run on any host; None where a host does not tell."""
    found: set[str] = set()
    for port in ports:
        try:
            found |= set(client.ask(port, load("demo/service_unsettled").text, seconds=ASK_SECONDS).split())
        except ConnectError as error:
            # where nobody listens nothing runs
            if error.kind != "refused":
                return None
        except (DeadlineError, QueryError):
            return None
    return found


def settle(unsettled: list[Unsettled], client: Client, ports: Sequence[int]) -> None:
    """Ask all hosts once, and take out of the list what has run nowhere often enough."""
    # only what was there before the question was asked can be settled by its answer
    asked = list(unsettled)
    found = running(client, ports) if asked else None
    for one in asked:
        one.absences = 0 if found is None or one.query_id in found else one.absences + 1
        if one.is_settled:
            unsettled.remove(one)
