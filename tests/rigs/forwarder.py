"""Loopback forwarders that a test can cut and stall, one of which lets clickhouse-connect log in to 18.16."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from tests.rigs.login_query import LoginQueryRewriter
from tests.rigs.loop import LoopServer, reset
from tests.rigs.processes import LOOPBACK

Filter = Callable[[bytes], bytes]


class TcpForwarder(LoopServer):
    """Forwards a port of its own to a target, byte for byte, until it is cut or stalled."""

    def __init__(self, target_host: str, target_port: int, ssl_context: ssl.SSLContext | None = None) -> None:
        """Name the target; with a context it speaks TLS to its clients."""
        super().__init__(ssl_context)
        self.target_host = target_host
        self.target_port = target_port
        self.connections = 0
        self.bytes_to_target = 0
        self.bytes_to_client = 0
        self.stalled = False
        self.answer_bytes: int | None = None
        """The next answer ends after so many bytes, and its connection with it, in order."""
        self._links: set[_Link] = set()

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._links)

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self.stop()

    def stall(self) -> None:
        """Become a black hole: connections stay open and are accepted, and no byte passes."""
        self._thread.call(lambda: self._set_stalled(True))

    def restore(self) -> None:
        """Forward again, after a cut or a stall."""
        self._thread.call(lambda: self._set_stalled(False))
        self.start()

    def request_filter(self) -> Filter:
        """What one connection's bytes to the target go through."""
        return bytes

    def protocol(self) -> asyncio.BaseProtocol:
        """What serves one client."""
        return _Link(self).client

    def drop_connections(self) -> None:
        """Reset every client's connection and its connection to the target."""
        for link in list(self._links):
            link.reset()

    def _set_stalled(self, stalled: bool) -> None:
        self.stalled = stalled
        for link in list(self._links):
            link.flow()

    def _joined(self, link: _Link) -> None:
        self.connections += 1
        self._links.add(link)

    def _left(self, link: _Link) -> None:
        self._links.discard(link)


class SettingsForwarder(TcpForwarder):
    """Forwards HTTP to an 18.16 server and rewrites only the query clickhouse-connect logs in with."""

    def __init__(self, target_port: int, target_host: str = LOOPBACK) -> None:
        super().__init__(target_host, target_port)

    def request_filter(self) -> Filter:
        """The rewriting of the login query, which keeps its place in one connection's requests."""
        return LoginQueryRewriter().feed


class _Link:
    """A client's connection and the forwarder's own connection to the target for it."""

    def __init__(self, forwarder: TcpForwarder) -> None:
        self.forwarder = forwarder
        self.client = _End(self)
        self.target = _End(self)
        self._filter = forwarder.request_filter()
        self._connecting: asyncio.Task[None] | None = None
        # Reading cannot be stopped before the loop has begun it: what comes all the same waits here.
        self._early: list[bytes] = []

    def opened(self, end: _End) -> None:
        if end is self.client:
            self.forwarder._joined(self)
        elif self.client.gone:
            end.reset()
        self.flow()

    def flow(self) -> None:
        """Read from each end only while the other end can take the bytes and the forwarder is not stalled."""
        if self.forwarder.stalled or self.client.gone:
            self.client.read(False)
            self.target.read(False)
            return
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        if self.target.connected:
            early, self._early = self._early, []
            for data in early:
                self._to_target(data)
            if early and self.client.finished:
                self.target.end()
        self.client.read(self.target.writable)
        self.target.read(self.client.writable)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(
                lambda: self.target, self.forwarder.target_host, self.forwarder.target_port
            )
        except OSError:
            self.client.close()  # a target that refuses is a closed connection to the client

    def received(self, end: _End, data: bytes) -> None:
        if end is self.target:
            # Looked at once: whoever has this answer may ask for the next to be cut before the writing of it returns.
            most_bytes = self.forwarder.answer_bytes
            data = data[:most_bytes]
            self.forwarder.bytes_to_client += len(data)
            self.client.write(data)
            if most_bytes is not None:
                self.forwarder.answer_bytes = None
                self.client.close()
        elif self.forwarder.stalled or not self.target.connected:
            self._early.append(data)
            self.client.read(False)
        else:
            self._to_target(data)

    def _to_target(self, data: bytes) -> None:
        data = self._filter(data)
        self.forwarder.bytes_to_target += len(data)
        self.target.write(data)

    def ended(self, end: _End) -> bool:
        """Pass on an end of file; whether the end itself stays open for what the other still has to say."""
        end.finished = True
        other = self._other(end)
        if self._early:
            return end.half_closes  # the end is passed on after what came before it
        # Where both have ended nothing is left to pass on, and the connections close.
        return end.half_closes and other.end() and not other.finished

    def lost(self, end: _End, error: Exception | None) -> None:
        other = self._other(end)
        if error is None:
            other.close()
        else:
            other.reset()
        if end is self.client:
            self.forwarder._left(self)
            if self._connecting is not None:
                self._connecting.cancel()

    def reset(self) -> None:
        self.client.reset()
        self.target.reset()

    def _other(self, end: _End) -> _End:
        return self.target if end is self.client else self.client


class _End(asyncio.Protocol):
    """One of the two connections of a link."""

    def __init__(self, link: _Link) -> None:
        self._link = link
        self._transport: asyncio.Transport | None = None
        self._full = False
        self.finished = False
        self.gone = False

    @property
    def connected(self) -> bool:
        return self._transport is not None

    @property
    def writable(self) -> bool:
        return self.connected and not self._full

    @property
    def half_closes(self) -> bool:
        return self._transport is not None and self._transport.can_write_eof()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._link.opened(self)

    def data_received(self, data: bytes) -> None:
        self._link.received(self, data)

    def eof_received(self) -> bool:
        return self._link.ended(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._link.lost(self, exc)

    def pause_writing(self) -> None:
        self._full = True
        self._link.flow()

    def resume_writing(self) -> None:
        self._full = False
        self._link.flow()

    def read(self, on: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def write(self, data: bytes) -> None:
        if data and self._transport is not None:
            self._transport.write(data)

    def end(self) -> bool:
        """Half-close where the connection can be; whether it could."""
        if self._transport is not None and self.half_closes:
            self._transport.write_eof()
        return self.half_closes

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        if self._transport is not None:
            reset(self._transport)
