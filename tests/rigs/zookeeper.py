"""A real ZooKeeper quorum on loopback, each node of which can be killed, suspended and restarted."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from pathlib import Path

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.handlers.threading import KazooTimeoutError

from tests.rigs.processes import LOOPBACK, ManagedProcess, RigError, free_ports, wait_until

# zookeeper.jar names what it needs in its manifest; only the logger has to be chosen.
CLASSPATH = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar"
JVM_OPTIONS = (
    "-Xms16m",
    "-Xmx128m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.net.preferIPv4Stack=true",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
    "-Dzookeeper.forceSync=no",
    "-Dzookeeper.preAllocSize=256",
    "-Dzookeeper.cnxTimeout=1000",
)
TICK_MILLISECONDS = 500


@dataclass(frozen=True)
class ZooKeeperNode:
    """One node of the quorum and its ports."""

    number: int
    client_port: int
    quorum_port: int
    election_port: int
    process: ManagedProcess

    @property
    def address(self) -> str:
        """Host and client port, as clients write them."""
        return f"{LOOPBACK}:{self.client_port}"


class ZooKeeperQuorum:
    """Some ZooKeeper nodes that elect a leader in a second or two; one node alone runs standalone."""

    def __init__(self, directory: Path, size: int = 3) -> None:
        self.directory = directory
        ports = free_ports(3 * size)
        self.nodes = [
            self._node(number, *ports[3 * (number - 1) : 3 * number]) for number in range(1, size + 1)
        ]

    @property
    def hosts(self) -> str:
        """The connection string of all nodes, without a chroot."""
        return ",".join(node.address for node in self.nodes)

    def start(self) -> None:
        """Start all nodes and wait for the quorum."""
        for node in self.nodes:
            self._configure(node)
            node.process.start()
        self.wait_for_quorum()

    def stop(self) -> None:
        """Stop all nodes, suspended ones too."""
        for node in self.nodes:
            node.process.terminate()
        for node in self.nodes:
            node.process.wait()

    def kill(self, node: ZooKeeperNode) -> None:
        """End a node as `kill -9` does."""
        node.process.kill()

    def suspend(self, node: ZooKeeperNode) -> None:
        """Hang a node as `kill -STOP` does."""
        node.process.suspend()

    def resume(self, node: ZooKeeperNode) -> None:
        """Let a hung node go on."""
        node.process.resume()

    def lose_quorum(self) -> list[ZooKeeperNode]:
        """Hang so many followers that nobody serves, wait until that is so, and return those to resume.

        The leader is left running and steps down. One that is hung together with a follower while writes are
        under way leads on when both are resumed, and 3.8.0 then serves but commits nothing any more (seen).
        """
        leader = self.leader()
        others = [node for node in self.nodes if node is not leader]
        hung = others[: len(self.nodes) // 2 + 1] or [leader]
        for node in hung:
            self.suspend(node)
        wait_until(lambda: self.role(leader) is None, 30, "the leader to step down", leader.process)
        return hung

    def restart(self, node: ZooKeeperNode) -> None:
        """Start a node again, on its own data."""
        node.process.restart()

    def role(self, node: ZooKeeperNode) -> str | None:
        """What a node says it is: leader, follower, standalone; None where it serves not or answers not."""
        mode = re.search(r"^Mode: (\w+)$", self.four_letter_word(node, "srvr") or "", re.MULTILINE)
        return mode.group(1) if mode else None

    def leader(self) -> ZooKeeperNode:
        """The node that leads now (or stands alone); raises RigError where there is none."""
        for node in self.nodes:
            if node.process.is_alive and self.role(node) in ("leader", "standalone"):
                return node
        raise RigError(f"no leader among {self.hosts}")

    def followers(self) -> list[ZooKeeperNode]:
        """The nodes that follow the leader now."""
        return [node for node in self.nodes if node.process.is_alive and self.role(node) == "follower"]

    def four_letter_word(self, node: ZooKeeperNode, word: str, timeout: float = 1.0) -> str | None:
        """A node's answer to a four-letter word, or None where it refuses, hangs or breaks off."""
        try:
            with socket.create_connection((LOOPBACK, node.client_port), timeout) as connection:
                connection.sendall(word.encode())
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError:
            return None  # a node that does not answer is one of the states asked about
        return answer.decode(errors="replace")

    def wait_for_quorum(self, timeout: float = 30.0, serving: int | None = None) -> None:
        """Wait until one node leads, `serving` nodes (default: all alive) serve, and a write commits."""

        def settled() -> bool:
            alive = [node for node in self.nodes if node.process.is_alive]
            roles = [role for node in alive if (role := self.role(node))]
            leads = roles.count("leader") + roles.count("standalone")
            enough = len(roles) >= (len(alive) if serving is None else serving)
            return leads == 1 and enough and self._commits()

        alive = [node.process for node in self.nodes if node.process.is_alive]
        wait_until(settled, timeout, f"a ZooKeeper quorum on {self.hosts}", *alive)

    def _commits(self) -> bool:
        # A leader just woken from a suspension still calls itself one for a while: only a write proves it.
        serving = [node.address for node in self.nodes if node.process.is_alive and self.role(node)]
        client = KazooClient(hosts=",".join(serving), timeout=2.0)
        try:
            client.start(timeout=2)
            client.create_async("/rig-probe", ephemeral=True, sequence=True).get(timeout=2)
        except (KazooException, KazooTimeoutError):
            return False
        finally:
            client.stop()
            client.close()
        return True

    def _node(self, number: int, client_port: int, quorum_port: int, election_port: int) -> ZooKeeperNode:
        home = self.directory / f"zookeeper-{number}"
        process = ManagedProcess(
            name=f"zookeeper-{number}",
            command=[
                "java",
                *JVM_OPTIONS,
                "-cp",
                CLASSPATH,
                "org.apache.zookeeper.server.quorum.QuorumPeerMain",
                str(home / "zoo.cfg"),
            ],
            directory=home,
            log=home / "zookeeper.log",
        )
        return ZooKeeperNode(number, client_port, quorum_port, election_port, process)

    def _configure(self, node: ZooKeeperNode) -> None:
        home = node.process.directory
        (home / "data").mkdir(parents=True, exist_ok=True)
        (home / "data" / "myid").write_text(f"{node.number}\n")
        settings = {
            "dataDir": str(home / "data"),
            "clientPortAddress": LOOPBACK,
            "clientPort": node.client_port,
            "tickTime": TICK_MILLISECONDS,
            "initLimit": 20,
            "syncLimit": 6,
            "minSessionTimeout": 2 * TICK_MILLISECONDS,
            "maxSessionTimeout": 60_000,
            "maxClientCnxns": 0,
            "4lw.commands.whitelist": "*",
            "admin.enableServer": "false",
            "autopurge.purgeInterval": 0,
        }
        if len(self.nodes) > 1:
            for peer in self.nodes:
                settings[f"server.{peer.number}"] = f"{LOOPBACK}:{peer.quorum_port}:{peer.election_port}"
        (home / "zoo.cfg").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
