"""Killing queries: the ones a person has seen and named, on the hosts where they run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from chtui.act.plans import Check, LeftOut, Plan, Step, Target
from chtui.fleet.literal import Value, quote_string
from chtui.records import HostId
from chtui.text import format_seconds, plural

OWN_PREFIX = "chtui-"
"""What every `query_id` of chtui's own begins with, of any chtui."""
MOST_IDS, MOST_BYTES = 100, 4000
"""The most names in one statement, and their bytes as literals: the driver puts bound values into the URL, escaped."""


class Candidate(NamedTuple):
    """A running query a person may want to kill; every text is the server's."""

    host: HostId
    query_id: str
    initial_query_id: str
    user: str
    interface: str
    """`HTTP`, `TCP`, `Local` and so on; empty where the server does not tell."""
    query: str
    elapsed_seconds: float


def kill_plan(cluster: str, queries: Iterable[Candidate]) -> Plan:
    """Return the plan that kills these queries, each by its name on the host where it runs.

    What may not be killed is left out, and the plan says why; nothing left makes a plan without steps.
    """
    wanted = list({(query.host, query.query_id): query for query in queries}.values())
    reasons = [(query, why_not(query)) for query in wanted]
    chosen = [query for query, why in reasons if not why]
    steps: list[Step] = []
    checks: list[Check] = []
    for host in dict.fromkeys(query.host for query in chosen):
        for names in _batches(query.query_id for query in chosen if query.host == host):
            params: dict[str, Value] = {"query_ids": list(names)}
            purpose = f"kill {plural(len(names), 'query', 'queries')}"
            steps.append(Step(host, "act/kill_queries", params, purpose))
            checks.append(Check(host, "act/queries_left", params, names))
    hosts = len({query.host for query in chosen})
    return Plan(
        cluster=cluster,
        title=f"kill {plural(len(chosen), 'query', 'queries')} on {plural(hosts, 'host')}",
        kind="kill queries",
        steps=tuple(steps),
        targets=tuple(Target(query.host, query.query_id, _described(query)) for query in chosen),
        expected=(
            "Each of these queries ends with 'Query was cancelled' for whoever sent it, on all hosts it has spread to. "
            "Rows an INSERT has already written stay."
        ),
        verified_by="Each host is asked, every 0.5 s for up to 30 s, which of them still run.",
        done_word="gone",
        left_word="still running",
        checks=tuple(checks),
        left_out=tuple(LeftOut(query.host, query.query_id, why) for query, why in reasons if why),
    )


def why_not(query: Candidate) -> str:
    """Return why a query may not be killed; empty if it may."""
    if not query.user or query.interface.casefold() == "local":
        return "the server's own (interface Local or no user): killing it does not return"
    if not query.query_id:
        return "it has no query_id to name it by"
    if query.query_id.startswith(OWN_PREFIX):
        return "chtui's own; it ends by itself"
    try:
        length = len(quote_string(query.query_id).encode())
    except ValueError:
        return "its query_id cannot be written as text"
    return "its query_id is too long to be sent" if length > MOST_BYTES else ""


def _described(query: Candidate) -> str:
    part = (
        f"  part of {query.initial_query_id}"
        if query.initial_query_id and query.initial_query_id != query.query_id
        else ""
    )
    return f"{query.user}  {format_seconds(query.elapsed_seconds)}{part}  {query.query}"


def _batches(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Split names into as few statements as their limits allow."""
    batch: list[str] = []
    size = 0
    for name in names:
        length = len(quote_string(name).encode())
        if batch and (len(batch) == MOST_IDS or size + length > MOST_BYTES):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(name)
        size += length
    if batch:
        yield tuple(batch)
