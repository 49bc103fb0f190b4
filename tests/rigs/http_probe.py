"""One HTTP request on a connection of its own."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection

from tests.rigs.processes import LOOPBACK


def request(
    port: int,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout: float,
    context: ssl.SSLContext | None = None,
) -> tuple[int, str]:
    """Send one request to a port of loopback, over TLS where a context is given; its status and body."""
    connection = (
        HTTPSConnection(LOOPBACK, port, timeout=timeout, context=context)
        if context
        else HTTPConnection(LOOPBACK, port, timeout=timeout)
    )
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def ping(port: int, context: ssl.SSLContext | None = None, timeout: float = 5.0) -> str:
    """What a port answers to `GET /ping`."""
    return request(port, "GET", "/ping", timeout=timeout, context=context)[1]
