"""The demo cluster as one thing: started, asked, stopped."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from chtui.demo import data, render, zookeeper
from chtui.demo.client import Client, Param
from chtui.demo.directory import DemoDirectory
from chtui.demo.nodes import STOP_SECONDS, DemoNode, PortTaken
from chtui.demo.options import CLUSTER, HOST, NO_TELEMETRY, PROFILE, DemoHost, DemoInfo, DemoOptions
from chtui.demo.ports import HeldPorts
from chtui.demo.process import Child
from chtui.demo.services import Services
from chtui.errors import DemoError
from chtui.paths import private_dir, write_private

CONFIG = "config.toml"
KEEPER_PORT = "zookeeper"
PORT_TRIES = 5
MOST_WRITERS = 16
WARDEN_SECONDS = 10.0


def require_engine() -> None:
    """Make sure the embedded engine is installed, without importing it.

    Raises:
        DemoError: it is not.
    """
    if importlib.util.find_spec("chdb") is None:
        raise DemoError("the embedded ClickHouse is not installed", fix="run: pip install 'chtui[demo]'")


def _quiet(_line: str) -> None:
    pass


class DemoCluster:
    """N shards of M replicas of ClickHouse on this machine, each node a process.

    Every process ends when this one does, however it ends. A context manager; `start` and `stop` may be called from any thread, one at a time.
    """

    def __init__(self, options: DemoOptions | None = None, say: Callable[[str], None] = _quiet) -> None:
        """Prepare a demo; `say` is told in one line what `start` is at."""
        self.options = options or DemoOptions()
        self.nodes: list[DemoNode] = []
        self._say = say
        self._directory: DemoDirectory | None = None
        self._warden: Child | None = None
        self._load: Child | None = None
        self._keeper: Child | None = None
        self.services: Services | None = None
        """None where they were not asked for."""
        self._clients: dict[str, Client] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> DemoInfo:
        """Start everything, fill what is not filled, and return when every host answers.

        Raises:
            DemoError: something is missing, in use, or does not start; nothing of the demo is left running then.
            QueryError: a node failed a statement.
            OSError: a file cannot be written.
        """
        if self._directory is not None:
            raise DemoError(
                "this demo was started already", where=str(self._directory.path), fix="stop it first"
            )
        require_engine()
        if not 1 <= self.options.writers <= MOST_WRITERS:
            raise DemoError(
                f"there cannot be {self.options.writers} writers", fix=f"ask for 1 to {MOST_WRITERS}"
            )
        if self.options.zookeeper:
            zookeeper.require()
        self._directory = directory = DemoDirectory.open(self.options)
        try:
            self._warden = Child(
                "chtui.demo.warden", str(directory.path), output=directory.path / "warden.log"
            )
            self._launch(directory)
            places = [node.place for node in self.nodes]
            admin = self._client("admin")
            data.fill_all(admin, directory, places, self._say)
            if self._keeper is not None:
                data.make_replicated(admin, places)
            password_files = {user: directory.password_file(user) for user in render.users()}
            keeper_port = directory.state.ports[KEEPER_PORT] if self._keeper else 0
            profiles = render.profiles_toml(places, password_files, keeper_port)
            write_private(directory.path / CONFIG, profiles)
            if self.options.services:
                self._say("starting the services")
                self.services = Services(directory, self.options.writers, self._say)
                self.services.start()
            if self.options.load:
                more = (NO_TELEMETRY,) if self.services else ()
                self._load = Child(
                    "chtui.demo.load", str(directory.path), *more, output=directory.path / "load.log"
                )
        except BaseException:
            self.stop()
            raise
        return self.info

    @property
    def info(self) -> DemoInfo:
        """What a client needs to know of the running demo.

        Raises:
            DemoError: it is not running.
        """
        directory = self._running()
        services = self.services.children if self.services else ()
        others = (self._load, self._warden, self._keeper, *services)
        ports = directory.state.ports
        return DemoInfo(
            config_file=directory.path / CONFIG,
            profile=PROFILE,
            cluster=CLUSTER,
            hosts=tuple(
                DemoHost(
                    node.host_name, node.port, node.http_port, node.shard_num, node.replica_num, node.pid
                )
                for node in self.nodes
            ),
            pids=tuple([node.pid for node in self.nodes] + [child.pid for child in others if child]),
            directory=directory.path,
            temporary=directory.state.temporary,
            zookeeper=f"{HOST}:{ports[KEEPER_PORT]}" if self._keeper else "",
            services=self.services.info if self.services else None,
        )

    def query(
        self,
        node: DemoNode | int,
        sql: str,
        user: str = "admin",
        params: Mapping[str, Param] | None = None,
        *,
        seconds: float | None = 30.0,
    ) -> str:
        """Return a node's answer as text (tab separated unless the statement says otherwise); `node` may be an index.

        Raises:
            QueryError: the server refused or failed the statement.
            ConnectError: the node does not listen.
            DeadlineError: no answer within `seconds`.
        """
        self._running()
        target = self.nodes[node] if isinstance(node, int) else node
        return self._client(user).ask(target.http_port, sql, params, seconds=seconds)

    def password(self, user: str) -> str:
        """Return a user's password; `default` has none.

        Raises:
            DemoError: the demo is not running.
        """
        return "" if user == render.PASSWORDLESS else self._running().password(user)

    @property
    def addresses(self) -> dict[str, str]:
        """Where each node answers HTTP, by its host and native port."""
        return {f"{node.host_name}:{node.port}": f"{node.host_name}:{node.http_port}" for node in self.nodes}

    def deaths(self) -> list[str]:
        """Return one line for each process of the demo that has ended."""
        lines = [node.exit_line() for node in self.nodes]
        for child in (self._load, self._keeper, *(self.services.children if self.services else ())):
            if child is not None and child.poll() is not None:
                lines.append(
                    f"{child.name} (pid {child.pid}): ended with code {child.poll()}; see {child.output}"
                )
        return [line for line in lines if line]

    def revive(self) -> None:
        """Start the nodes and services again that have ended, on the same ports and data.

        Raises:
            DemoError: one does not come back.
        """
        for node in self.nodes:
            if node.exit_line():
                node.restart()
        if self.services is not None:
            self.services.revive()

    def stop(self) -> None:
        """End every process, remove a temporary directory, give the lock back; a second call does nothing.

        Raises:
            OSError: the directory cannot be removed.
        """
        directory, self._directory = self._directory, None
        if directory is None:
            return
        try:
            if self._load is not None:
                self._load.kill()
            if self.services is not None:
                self.services.kill()
            # a node waits for its open connections before it ends
            for client in self._clients.values():
                client.close()
            self._stop_nodes(kept=not directory.state.temporary)
        finally:
            self._clients.clear()
            self._load = self.services = None
            directory.close()
            if self._warden is not None:
                self._warden.end(WARDEN_SECONDS)
                self._warden = None

    def _launch(self, directory: DemoDirectory) -> None:
        for attempt in range(1, PORT_TRIES + 1):
            try:
                self._launch_once(directory)
                return
            except PortTaken:
                self._stop_nodes(kept=False)
                directory.state.ports.clear()
                if attempt == PORT_TRIES:
                    raise
                self._say("a port was taken by another program meanwhile; choosing others")

    def _launch_once(self, directory: DemoDirectory) -> None:
        state = directory.state
        names = [f"{name}.{kind}" for name in render.names(state.shape) for kind in ("tcp", "http")] + [
            KEEPER_PORT
        ]
        held = HeldPorts(names, state.ports)
        try:
            state.ports = {**state.ports, **held.ports}
            directory.save()
            places = render.places(state.shape, held.ports)
            passwords = {user: directory.password(user) for user in render.users()}
            keeper_port = held.ports[KEEPER_PORT] if state.zookeeper else 0
            self.nodes = [
                DemoNode(directory.path / place.name, place, self._client("admin")) for place in places
            ]
            for node in self.nodes:
                private_dir(node.directory)
                write_private(node.directory / "users.xml", render.users_xml(passwords))
                xml = render.node_xml(
                    node.directory, node.place, places, passwords[render.INTERNODE], keeper_port
                )
                write_private(node.directory / "config.xml", xml)
        finally:
            held.release()
        if keeper_port:
            self._say("starting ZooKeeper")
            self._keeper = zookeeper.start(directory.path, keeper_port)
            zookeeper.await_ready(self._keeper, keeper_port)
        self._say(f"starting {len(self.nodes)} nodes")
        for node in self.nodes:
            node.spawn()
        for node in self.nodes:
            node.await_ready()

    def _stop_nodes(self, *, kept: bool) -> None:
        if kept:
            for node in self.nodes:
                node.hang_up()
        for node in self.nodes:
            # nothing in a temporary directory is worth a clean end
            node.stop(STOP_SECONDS if kept else 0.0)
        if self._keeper is not None:
            self._keeper.end(STOP_SECONDS)
            self._keeper = None

    def _client(self, user: str) -> Client:
        if user not in self._clients:
            self._clients[user] = Client(user, self.password(user))
        return self._clients[user]

    def _running(self) -> DemoDirectory:
        if self._directory is None:
            raise DemoError("the demo is not running", fix="start it first")
        return self._directory
