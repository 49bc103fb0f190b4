"""Ports behind which there is no ClickHouse: a web server, a mute one, and nobody."""

from __future__ import annotations

import asyncio
import re

from tests.rigs.loop import LoopServer, reset
from tests.rigs.processes import LOOPBACK, held_port

PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n"


class ClosedPort:
    """A port that refuses every connection for as long as the test run lasts."""

    def __init__(self) -> None:
        self.host = LOOPBACK
        self._held = held_port()
        self.port: int = self._held.getsockname()[1]


class _Impostor(LoopServer):
    def __init__(self) -> None:
        super().__init__()
        self.connections = 0
        self._open: set[asyncio.BaseTransport] = set()

    def drop_connections(self) -> None:
        for transport in list(self._open):
            reset(transport)

    def arrived(self, transport: asyncio.BaseTransport) -> None:
        self.connections += 1
        self._open.add(transport)

    def left(self, transport: asyncio.BaseTransport) -> None:
        self._open.discard(transport)


class SilentServer(_Impostor):
    """Accepts every connection, reads what it is sent, and never answers."""

    def protocol(self) -> asyncio.BaseProtocol:
        """What listens to one client."""
        return _Visit(self)


class PlainHttpServer(_Impostor):
    """Answers every HTTP request with status 200 and the same HTML page."""

    def protocol(self) -> asyncio.BaseProtocol:
        """What answers one client."""
        return _PageVisit(self)


class _Visit(asyncio.Protocol):
    def __init__(self, server: _Impostor) -> None:
        self._server = server
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.arrived(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:
            self._server.left(self.transport)


class _PageVisit(_Visit):
    _HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(PAGE)

    def __init__(self, server: _Impostor) -> None:
        super().__init__(server)
        self._buffer = bytearray()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._take_request()) and self.transport is not None:
            # A HEAD request is told of the page without getting it.
            self.transport.write(self._HEAD if request.startswith(b"HEAD ") else self._HEAD + PAGE)

    def _take_request(self) -> bytes:
        head, separator, body = bytes(self._buffer).partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length:[ \t]*(\d+)", head, re.IGNORECASE)
        size = int(length.group(1)) if length else 0
        if not separator or len(body) < size:
            return b""
        del self._buffer[: len(head) + 4 + size]
        return head
