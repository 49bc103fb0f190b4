"""ZooKeeper's AdminServer: what `mntr` and `cons` tell, as JSON over HTTP, where four-letter words are not allowed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from chtui.errors import ConnectError, DeadlineError
from chtui.keeper.parse import hexadecimal, node_of, number, whole
from chtui.keeper.words import LARGEST_ANSWER_BYTES
from chtui.records import HostId
from chtui.records.keeper import KeeperNode, KeeperSession

SOURCE = "admin server"


def node(host_name: str, port: int, deadline_at: float) -> KeeperNode:
    """Return what the AdminServer's `monitor` tells; `deadline_at` is of `time.monotonic`.

    Raises:
        ConnectError: nobody listens there, or what answers is no AdminServer.
        DeadlineError: no answer in time.
    """
    where = str(HostId(host_name, port))
    answer = _command(where, "monitor", deadline_at)
    if "server_state" not in answer:
        # One that belongs to no quorum has nothing to tell but an error.
        return KeeperNode("not serving", product="ZooKeeper", source=SOURCE)
    return node_of(answer, SOURCE, "ZooKeeper")


def sessions(
    host_name: str, port: int, deadline_at: float, limit: int
) -> tuple[tuple[KeeperSession, ...], int]:
    """Return at most `limit` sessions the AdminServer's `connections` tells, and how many there are.

    Raises:
        ConnectError: nobody listens there, or what answers is no AdminServer.
        DeadlineError: no answer in time.
    """
    answer = _command(str(HostId(host_name, port)), "connections", deadline_at)
    rows = [
        row
        for kind in ("connections", "secure_connections")
        if isinstance(given := answer.get(kind), list)
        for row in given
        if isinstance(row, dict) and hexadecimal(row.get("session_id")) not in ("", "0x0")
    ]
    return tuple(_session(row) for row in rows[:limit]), len(rows)


def _session(row: Mapping[str, Any]) -> KeeperSession:
    operation = str(row.get("last_operation") or "")
    return KeeperSession(
        sid=hexadecimal(row.get("session_id")),
        client=str(row.get("remote_socket_address", "")).removeprefix("/"),
        outstanding_requests=whole(row.get("outstanding_requests")),
        received=whole(row.get("packets_received")),
        sent=whole(row.get("packets_sent")),
        last_operation="" if operation == "NA" else operation,
        timeout_milliseconds=whole(row.get("session_timeout")),
        latency_last_milliseconds=number(row.get("last_latency")),
        latency_min_milliseconds=number(row.get("min_latency")),
        latency_avg_milliseconds=number(row.get("avg_latency")),
        latency_max_milliseconds=number(row.get("max_latency")),
    )


def _command(where: str, command: str, deadline_at: float) -> Mapping[str, Any]:
    import httpx

    body = bytearray()
    left = max(0.01, deadline_at - time.monotonic())
    try:
        # The ensemble is asked as directly as by its own protocol: no proxy of the environment.
        with (
            httpx.Client(trust_env=False, verify=False, timeout=left) as client,
            client.stream("GET", f"http://{where}/commands/{command}") as answer,
        ):
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > LARGEST_ANSWER_BYTES or time.monotonic() > deadline_at:
                    raise DeadlineError("no whole answer in time", where=where)
    except httpx.ConnectError as error:
        raise ConnectError("refused", "no AdminServer listens on the port", where=where) from error
    except httpx.TimeoutException as error:
        raise DeadlineError("no answer in time", where=where) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise ConnectError("closed", f"cannot be asked: {type(error).__name__}", where=where) from error
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ConnectError("not_keeper", "is no AdminServer: answers no JSON", where=where) from error
    if not isinstance(found, dict) or found.get("command") not in (command, command[:4]):
        raise ConnectError("not_keeper", "is no AdminServer", where=where)
    return found
