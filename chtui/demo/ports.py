"""Free loopback ports, held until just before they are used."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Mapping

from chtui.demo.options import HOST
from chtui.errors import DemoError

LOWEST, HIGHEST = 15_000, 32_000
"""Below the ports a system gives to outgoing connections, one of which would otherwise take a node's port now and then."""
TRIES = 200


class HeldPorts:
    """Ports nobody else can take until they are released."""

    def __init__(self, names: Iterable[str], wanted: Mapping[str, int]) -> None:
        """Hold one port for each name, the wanted one where it is free.

        Raises:
            DemoError: no free port was found.
        """
        self._sockets: list[socket.socket] = []
        self.ports: dict[str, int] = {}
        try:
            for name in names:
                held = _held(wanted.get(name, 0)) or _any()
                self._sockets.append(held)
                self.ports[name] = held.getsockname()[1]
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let the ports go; twice does no harm."""
        while self._sockets:
            self._sockets.pop().close()


def _any() -> socket.socket:
    chooser = random.SystemRandom()
    for _ in range(TRIES):
        held = _held(chooser.randrange(LOWEST, HIGHEST))
        if held is not None:
            return held
    raise DemoError(
        f"no free port found between {LOWEST} and {HIGHEST}",
        where=HOST,
        fix="end some servers on this machine",
    )


def _held(port: int) -> socket.socket | None:
    if port == 0:
        return None
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # a port of a server that ended a moment ago counts as free; listening keeps a second holder out all the same
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((HOST, port))
        held.listen(1)
    except OSError:
        held.close()
        return None
    return held
