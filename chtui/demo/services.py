"""The stand-ins for the services that write and read telemetry, as the demo sees them: started, asked, killed, started again."""

from __future__ import annotations

import time
from collections.abc import Callable

from chtui.demo.directory import DemoDirectory
from chtui.demo.nodes import IN_USE, PortTaken
from chtui.demo.options import BACKEND_SERVICE, HOST, INGESTION_SERVICE, DemoServices
from chtui.demo.ports import HeldPorts
from chtui.demo.process import Child
from chtui.errors import DemoError

NAMES = (INGESTION_SERVICE, BACKEND_SERVICE)
READY_SECONDS = 30.0
PORT_TRIES = 5


class Services:
    """Both services, each a process. They need the nodes and their tables."""

    def __init__(self, directory: DemoDirectory, writers: int, say: Callable[[str], None]) -> None:
        self._directory = directory
        self._writers = writers
        self._say = say
        self._children: dict[str, Child] = {}

    def start(self) -> None:
        """Start both and wait until they answer.

        Raises:
            DemoError: one ended, or does not answer in time; what was started is left to `kill`.
        """
        for attempt in range(1, PORT_TRIES + 1):
            self._choose_ports()
            try:
                for name in NAMES:
                    self._spawn(name)
                for name in NAMES:
                    self._await_ready(name)
                return
            except PortTaken:
                self.kill()
                for name in NAMES:
                    self._directory.state.ports.pop(name)
                if attempt == PORT_TRIES:
                    raise
                self._say("a port was taken by another program meanwhile; choosing others")

    @property
    def info(self) -> DemoServices:
        """Where they answer."""
        ports = self._directory.state.ports
        urls = {name: f"http://{HOST}:{ports[name]}" for name in NAMES}
        return DemoServices(urls[INGESTION_SERVICE], urls[BACKEND_SERVICE])

    @property
    def children(self) -> tuple[Child, ...]:
        """Their processes."""
        return tuple(self._children.values())

    def child(self, name: str) -> Child:
        """Return the process of `ingestion` or `backend`."""
        return self._children[name]

    def restart(self, name: str) -> None:
        """Kill a service if it still runs, start it on the same port, and wait until it answers.

        It goes on as it was last told.

        Raises:
            DemoError: it does not come back.
        """
        self._children[name].kill()
        self._spawn(name)
        self._await_ready(name)

    def revive(self) -> None:
        """Start those again that have ended.

        Raises:
            DemoError: one does not come back.
        """
        for name in [name for name, child in self._children.items() if child.poll() is not None]:
            self.restart(name)

    def kill(self) -> None:
        """Kill both; what is in flight at a server goes on there."""
        for child in self._children.values():
            child.kill()

    def _choose_ports(self) -> None:
        state = self._directory.state
        held = HeldPorts(NAMES, state.ports)
        state.ports.update(held.ports)
        self._directory.save()
        held.release()

    def _spawn(self, name: str) -> None:
        path = self._directory.path
        output = path / f"{name}.log"
        # else an earlier start's words would be taken for this one's
        output.unlink(missing_ok=True)
        more = (str(self._writers),) if name == INGESTION_SERVICE else ()
        self._children[name] = Child(f"chtui.demo.{name}", str(path), *more, output=output)

    def _await_ready(self, name: str) -> None:
        import httpx

        child = self._children[name]
        url = f"http://{HOST}:{self._directory.state.ports[name]}"
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if child.poll() is not None:
                lines = child.tail().strip().splitlines() or ["it said nothing"]
                if IN_USE.search(lines[-1]):
                    raise PortTaken("a port is in use", where=name, fix="try again")
                raise DemoError(f"ended while starting: {lines[-1]}", where=name, fix=f"see {child.output}")
            try:
                answer = httpx.get(f"{url}/status", trust_env=False, timeout=5)
                if answer.json()["pid"] == child.pid:
                    return
            except (httpx.TransportError, ValueError, KeyError, TypeError):
                pass  # not listening yet, or another program is; the process then ends and says so
            time.sleep(0.05)
        raise DemoError(f"not ready after {READY_SECONDS:.0f} s", where=name, fix=f"see {child.output}")
