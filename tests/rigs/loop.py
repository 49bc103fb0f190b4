"""One event loop in one daemon thread, on which all forwarders and impostors of the process run."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Coroutine
from functools import lru_cache
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.rigs.processes import LOOPBACK, held_port

T = TypeVar("T")


class LoopThread:
    """An event loop other threads hand work to."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, name="rig-loop", daemon=True).start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=30)

    def call(self, function: Callable[[], T]) -> T:
        """Call a function on the loop and wait for its result."""

        async def call() -> T:
            return function()

        return self.run(call())


@lru_cache(maxsize=1)
def shared_loop() -> LoopThread:
    """The loop of this process, started when first asked for."""
    return LoopThread()


class LoopServer:
    """A server on a loopback port of its own, which it keeps while it does not listen; a context manager."""

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self.host = LOOPBACK
        self._held = held_port()
        self.port: int = self._held.getsockname()[1]
        self._ssl_context = ssl_context
        self._thread = shared_loop()
        self._server: asyncio.Server | None = None

    def protocol(self) -> asyncio.BaseProtocol:
        """What serves one connection."""
        raise NotImplementedError

    def drop_connections(self) -> None:
        """Reset every open connection; runs on the loop."""
        raise NotImplementedError

    def start(self) -> Self:
        """Listen, if it does not yet."""
        self._thread.run(self._listen())
        return self

    def stop(self) -> None:
        """Refuse new connections and reset those that are open."""
        self._thread.call(self._close)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await self._thread.loop.create_server(
                self.protocol, sock=self._held, ssl=self._ssl_context, backlog=128
            )

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self._held = held_port(self.port)
        self.drop_connections()


def reset(transport: asyncio.BaseTransport) -> None:
    """Close a connection so that the other end sees RST, not an orderly end."""
    assert isinstance(transport, asyncio.Transport)
    if not transport.is_closing():
        connection = transport.get_extra_info("socket")
        # Lingering for no time at all is what makes the kernel send RST.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
