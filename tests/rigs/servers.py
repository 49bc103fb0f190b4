"""Real ClickHouse servers on loopback: shards and replicas of one cluster, each a process of its own."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlencode

from kazoo.client import KazooClient

from tests.rigs.http_probe import request
from tests.rigs.processes import LOOPBACK, ManagedProcess, RigError, free_ports, wait_until
from tests.rigs.server_config import CHROOT, CLUSTER, Flavour, server_tree, sql_users, to_xml, users_tree

DEBIAN_SERVER = Path("/usr/sbin/clickhouse-server")
KEEPER_EXCEPTION = 999
BINARY_VARIABLE = "CHTUI_TEST_CLICKHOUSE"


class QueryError(Exception):
    """A server refused a query; the message is the server's text."""

    def __init__(self, node: str, text: str) -> None:
        super().__init__(f"{node}: {text}")
        code = re.search(r"Code: (\d+)", text)
        self.code = int(code.group(1)) if code else None
        self.text = text


@dataclass(frozen=True)
class ServerNode:
    """One server of the cluster."""

    name: str
    shard: str
    replica: str
    http_port: int
    tcp_port: int
    interserver_port: int
    process: ManagedProcess
    host: str = LOOPBACK


def server_binary() -> Path:
    """The server under test: the one named by the environment, else Debian's."""
    return Path(os.environ.get(BINARY_VARIABLE, DEBIAN_SERVER))


def detect_flavour(binary: Path) -> Flavour:
    """What a binary is, by asking it for its version; raises RigError where it does not say."""
    # Debian's 18.16 knows no --version and takes "server" for a positional argument it ignores.
    answer = subprocess.run(
        [str(binary), "server", "--version"], capture_output=True, text=True, timeout=60, check=False, cwd="/"
    )
    said = answer.stdout + answer.stderr
    if re.search(r"version (2\d)\.\d+", said):
        return Flavour.MODERN
    if "Unknown option specified: version" in said:
        return Flavour.LEGACY
    raise RigError(f"{binary} is no ClickHouse server known here; it said: {said.strip()!r}")


class ServerCluster:
    """`shards` x `replicas` servers that know each other as one cluster and share a ZooKeeper."""

    def __init__(
        self,
        directory: Path,
        binary: Path,
        zookeeper_hosts: str,
        shards: int = 2,
        replicas: int = 2,
        *,
        flavour: Flavour | None = None,
    ) -> None:
        """Describe the cluster; the flavour is asked of the binary where it is not given."""
        self.directory = directory
        self.binary = binary
        self.zookeeper_hosts = zookeeper_hosts
        self.flavour = detect_flavour(binary) if flavour is None else flavour
        self.passwords = {
            "default": "",
            **{user: secrets.token_hex(12) for user in ("admin", "oncall", "blind")},
        }
        self.nodes = [
            self._node(shard, replica) for shard in range(1, shards + 1) for replica in range(1, replicas + 1)
        ]

    def node(self, shard: int, replica: int) -> ServerNode:
        """The server with these numbers, counted from 1."""
        return next(node for node in self.nodes if node.name == _name(shard, replica))

    def start(self) -> None:
        """Start all servers at once and wait until they answer."""
        self._create_chroot()
        for node in self.nodes:
            self._configure(node)
            node.process.start()
        self.wait_ready()
        if self.flavour is Flavour.MODERN:
            for node in self.nodes:
                for statement in sql_users(self.passwords):
                    self.query(node, statement)

    def stop(self) -> None:
        """Stop all servers at once, suspended ones too."""
        for node in self.nodes:
            node.process.terminate()
        for node in self.nodes:
            node.process.wait()

    def kill(self, node: ServerNode) -> None:
        """End a server as `kill -9` does."""
        node.process.kill()

    def suspend(self, node: ServerNode) -> None:
        """Hang a server as `kill -STOP` does."""
        node.process.suspend()

    def resume(self, node: ServerNode) -> None:
        """Let a hung server go on and wait until it answers."""
        node.process.resume()
        self.wait_ready(node)

    def restart(self, node: ServerNode) -> None:
        """Stop a server where it runs, start it on its own data and wait until it answers."""
        node.process.restart()
        self.wait_ready(node)

    def wait_ready(self, *nodes: ServerNode, timeout: float = 60.0) -> None:
        """Wait until these servers (all, where none is named) answer to a ping."""
        for node in nodes or self.nodes:
            wait_until(partial(self.answers, node), timeout, f"{node.name} to answer", node.process)

    def wait_whole(self, *nodes: ServerNode, timeout: float = 60.0) -> None:
        """Wait until these servers (all, where none is named) have a Keeper session, no read-only table."""
        for node in nodes or self.nodes:
            wait_until(
                partial(self._has_session, node), timeout, f"{node.name} to reach Keeper", node.process
            )
            wait_until(
                partial(self._all_writable, node), timeout, f"the tables of {node.name} to be writable"
            )

    def _has_session(self, node: ServerNode) -> bool:
        try:
            self.query(node, "SELECT name FROM system.zookeeper WHERE path = '/'")
        except QueryError as error:
            if error.code == KEEPER_EXCEPTION:
                return False  # an expired session is found out by using it; the next use opens another
            raise
        return True

    def _all_writable(self, node: ServerNode) -> bool:
        return self.query(node, "SELECT count() FROM system.replicas WHERE is_readonly") == "0\n"

    def answers(self, node: ServerNode) -> bool:
        """Whether a server answers to a ping within a second."""
        try:
            return request(node.http_port, "GET", "/ping", timeout=1.0) == (200, "Ok.\n")
        except (OSError, HTTPException):
            return False  # not answering is one of the two answers

    def query(
        self,
        node: ServerNode,
        sql: str,
        user: str = "default",
        settings: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> str:
        """Run one statement by plain HTTP and return the body; raises QueryError with the server's text."""
        headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": self.passwords[user]}
        path = "/?" + urlencode(settings or {})
        status, body = request(
            node.http_port, "POST", path, body=sql.encode(), headers=headers, timeout=timeout
        )
        if status != 200:
            raise QueryError(node.name, body.strip())
        return body

    def query_all(self, sql: str, user: str = "default") -> dict[str, str]:
        """Run one statement on every server, one after another, and return the bodies by server name."""
        return {node.name: self.query(node, sql, user) for node in self.nodes}

    def sql_on_cluster(self, sql: str, user: str = "default", timeout: float = 60.0) -> list[list[str]]:
        """Run one statement that says ON CLUSTER and return its row for every host.

        It is sent again while the server cannot queue it: the DDL worker of 18.16 asks for a new session only
        5 s after it could not get one. Raises QueryError where a host refused it or where a host has no row.
        """
        if CLUSTER not in sql:
            raise ValueError(f"the statement does not name {CLUSTER}: {sql}")

        def queued() -> str:
            try:
                return self.query(self.nodes[0], sql, user, timeout=timeout)
            except QueryError as error:
                if error.code == KEEPER_EXCEPTION:
                    return ""
                raise

        body = wait_until(queued, timeout, f"the DDL queue to take {sql!r}", self.nodes[0].process)
        rows = [line.split("\t") for line in body.splitlines()]
        if len(rows) != len(self.nodes) or any(row[2] != "0" for row in rows):
            raise QueryError(CLUSTER, body)
        return rows

    def _create_chroot(self) -> None:
        # 18.16 crashes where its root znode is missing.
        client = KazooClient(hosts=self.zookeeper_hosts, timeout=10.0)
        client.start(timeout=15)
        try:
            client.ensure_path(CHROOT)
        finally:
            client.stop()
            client.close()

    def _node(self, shard: int, replica: int) -> ServerNode:
        http_port, tcp_port, interserver_port = free_ports(3)
        name = _name(shard, replica)
        home = self.directory / name
        verb = ["server"] if self.flavour is Flavour.MODERN else []
        process = ManagedProcess(
            name=name,
            command=[str(self.binary), *verb, f"--config-file={home}/config.xml"],
            directory=home,
            log=home / "server.log",
            # The watchdog of modern servers would be the process that signals reach, not the server.
            env={"CLICKHOUSE_WATCHDOG_ENABLE": "0"},
        )
        return ServerNode(
            name, f"{shard:02}", f"{replica:02}", http_port, tcp_port, interserver_port, process
        )

    def _configure(self, node: ServerNode) -> None:
        home = node.process.directory
        home.mkdir(parents=True, exist_ok=True)
        by_shard: dict[str, list[int]] = {}
        for peer in self.nodes:
            by_shard.setdefault(peer.shard, []).append(peer.tcp_port)
        tree = server_tree(
            self.flavour,
            home,
            ports=(node.http_port, node.tcp_port, node.interserver_port),
            macros={"cluster": CLUSTER, "shard": node.shard, "replica": node.replica},
            shards=list(by_shard.values()),
            zookeeper_hosts=self.zookeeper_hosts,
        )
        (home / "config.xml").write_text(to_xml(self.flavour, tree))
        (home / "users.xml").write_text(to_xml(self.flavour, users_tree(self.flavour, self.passwords)))


def _name(shard: int, replica: int) -> str:
    return f"shard{shard}-replica{replica}"
