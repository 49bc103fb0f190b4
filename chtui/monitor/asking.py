"""The questions a pump has asked in lanes: each runs in a host's own thread, with that host's connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chtui import sql
from chtui.errors import UnavailableError
from chtui.fleet.driver import Answer, Driver, parse_version
from chtui.fleet.literal import Value
from chtui.monitor.probes import Params, Probe

TIGHT_FAILOVER = {
    "skip_unavailable_shards": 1,
    "connections_with_failover_max_tries": 1,
    "connect_timeout_with_failover_ms": 1000,
    "handshake_timeout_ms": 1000,
}
"""Settings without which one hung host holds a question to all hosts for 25 s. A `readonly = 1` user may not set them."""
THROUGH_SINCE = (22, 9)
"""The first version whose servers can be asked through another; from the header of `monitor/through`."""

Origin = tuple[int, str, int]
"""Shard number, `hostName()` and native port of the host a row came from."""


class Question(NamedTuple):
    """One probe with everything it needs to be asked."""

    probe: Probe
    statement: sql.Statement
    params: Params
    query_id: str
    absent: frozenset[str]
    """Columns (`database.table.column`) the server lacks."""
    through: str
    """The cluster all of whose hosts are asked through the one; empty to ask the host itself."""


class Told(NamedTuple):
    """What a probe's answer holds."""

    answer: Answer
    records: Mapping[Origin | None, tuple[Any, ...]]
    """Records by where they came from; None: the host that was asked."""


def topology(driver: Driver, *, ids: Iterator[str]) -> Answer:
    """Return the rows of `monitor/topology`."""
    return driver.read(sql.load("monitor/topology"), {}, query_id=next(ids), seconds=5.0)


def http_ports(driver: Driver, *, ids: Iterator[str], cluster: str, secure: bool) -> Answer:
    """Return the rows of `monitor/http_ports`, or of `monitor/https_ports` where TLS is spoken.

    Raises:
        UnavailableError: the server is too old.
    """
    _require_through(driver)
    return driver.read(
        sql.load("monitor/https_ports") if secure else sql.load("monitor/http_ports"),
        {"cluster": cluster},
        query_id=next(ids),
        seconds=15.0,
        settings=TIGHT_FAILOVER,
    )


def settle(driver: Driver, query_ids: Sequence[str], fresh: Sequence[str], ids: Iterator[str]) -> set[str]:
    """Stop the `fresh` ones of this process's own overdue queries; return those of `query_ids` that have ended."""
    running = _running(driver, query_ids, next(ids))
    for query_id in fresh:
        if query_id in running:
            driver.command(
                sql.load("monitor/kill_own_query"), {"query_id": query_id}, query_id=next(ids), seconds=5.0
            )
    return set(query_ids) - running


def _running(driver: Driver, query_ids: Sequence[str], query_id: str) -> set[str]:
    answer = driver.read(
        sql.load("monitor/outstanding"), {"query_ids": list(query_ids)}, query_id=query_id, seconds=5.0
    )
    return {str(row[0]) for row in answer.rows}


def probe(driver: Driver, question: Question) -> Told:
    """Ask one probe, of the host itself or of all hosts of a cluster through this one.

    Raises:
        UnavailableError: the server is too old to be asked through.
    """
    asked, seconds = question.probe, question.probe.deadline_seconds
    if asked.text_from:
        return _about_a_statement(driver, question)
    if not question.through:
        answer = driver.read(
            question.statement,
            question.params,
            query_id=question.query_id,
            seconds=seconds,
            absent=question.absent,
        )
        return Told(answer, {None: asked.records(answer.columns, answer.rows)})
    _require_through(driver)
    values: dict[str, Value] = {**question.params, "cluster": question.through}
    answer = driver.read(
        sql.through(question.statement),
        values,
        query_id=question.query_id,
        seconds=seconds,
        absent=question.absent,
        settings=TIGHT_FAILOVER,
    )
    if not answer.rows:
        # Without a row the server may not even tell the columns.
        return Told(answer, {})
    indexes = [
        answer.columns.index(name)
        for name in ("through_shard_num", "through_display_name", "through_tcp_port")
    ]
    by_origin: dict[Origin | None, list[Sequence[Any]]] = {}
    for row in answer.rows:
        origin = (int(row[indexes[0]]), str(row[indexes[1]]), int(row[indexes[2]]))
        by_origin.setdefault(origin, []).append(row)
    return Told(answer, {origin: asked.records(answer.columns, rows) for origin, rows in by_origin.items()})


def _about_a_statement(driver: Driver, question: Question) -> Told:
    """Ask about a statement the server has logged. Its text is sent back as the server itself wrote it: one SELECT, under `readonly`.

    Raises:
        UnavailableError: the server has no such statement, or all hosts are asked through one.
    """
    asked, seconds = question.probe, question.probe.deadline_seconds
    if question.through:
        raise UnavailableError("the plan of a query cannot be asked through another host")
    source = sql.load(f"monitor/{asked.text_from}")
    query_id = f"{question.query_id}-text"
    found = driver.read(source, question.params, query_id=query_id, seconds=seconds)
    if not found.rows:
        # The other hosts have not run it: they have nothing to tell, which is no fault.
        return Told(found, {None: ()})
    text, database = str(found.rows[0][0]), str(found.rows[0][1])
    statement = question.statement.about(text)
    answer = driver.read(statement, {}, query_id=question.query_id, seconds=seconds, database=database)
    return Told(answer, {None: asked.records(("line",), answer.rows)})


def merged_params(params: Sequence[Params | None]) -> Params | None:
    """Return one set of parameters for several hosts asked at once: lists joined, numbers at their largest; None for none."""
    given = [values for values in params if values is not None]
    if not given:
        return None
    merged: dict[str, Value] = dict(given[0])
    for values in given[1:]:
        for name, value in values.items():
            have = merged[name]
            if isinstance(value, list) and isinstance(have, list):
                both: list[Value] = [*sorted({*map(str, have), *map(str, value)})]
                merged[name] = both
            elif isinstance(value, int) and isinstance(have, int):
                merged[name] = max(value, have)
    return merged


def _require_through(driver: Driver) -> None:
    if parse_version(driver.version) < THROUGH_SINCE:
        raise UnavailableError(f"version {driver.version} cannot be asked for all hosts; 22.9 and newer can")
