"""Debian's ZooKeeper for the demo: found, configured, started."""

from __future__ import annotations

import shutil
import socket
import time
from pathlib import Path

from chtui.demo.nodes import IN_USE, PortTaken
from chtui.demo.options import HOST
from chtui.demo.process import Child
from chtui.errors import DemoError
from chtui.paths import private_dir, write_private

JARS = (Path("/usr/share/java/zookeeper.jar"), Path("/usr/share/java/slf4j-simple.jar"))
FOLDER = "zookeeper"
CONFIG = "zoo.cfg"
OUTPUT = "output.log"
READY_SECONDS = 30.0


def require() -> str:
    """Return the path of java.

    Raises:
        DemoError: ZooKeeper or Java is not installed.
    """
    java = shutil.which("java")
    missing = [str(jar) for jar in JARS if not jar.exists()]
    if java is None or missing:
        lacking = ", ".join(missing + ([] if java else ["java"]))
        raise DemoError(
            f"ZooKeeper is not installed: no {lacking}",
            fix="run: apt-get install zookeeper libslf4j-java default-jre-headless",
        )
    return java


def start(directory: Path, port: int) -> Child:
    """Start ZooKeeper with its data below `directory`, without waiting for it.

    Raises:
        OSError: its files cannot be written.
    """
    folder = private_dir(directory / FOLDER)
    write_private(
        folder / CONFIG,
        "\n".join(
            (
                "tickTime=2000",
                f"dataDir={private_dir(folder / 'data')}",
                f"clientPort={port}",
                f"clientPortAddress={HOST}",
                "admin.enableServer=false",
                "4lw.commands.whitelist=*",
                "autopurge.purgeInterval=1",
                "",
            )
        ),
    )
    (folder / OUTPUT).unlink(missing_ok=True)
    return Child("chtui.demo.keeper", str(folder), output=folder / OUTPUT)


def await_ready(child: Child, port: int, seconds: float = READY_SECONDS) -> None:
    """Wait until ZooKeeper serves.

    Raises:
        PortTaken: its port was not free.
        DemoError: it ended, or does not serve in time.
    """
    where = f"ZooKeeper ({HOST}:{port})"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if child.poll() is not None:
            if IN_USE.search(child.tail()):
                raise PortTaken("a port is in use", where=where, fix="try again")
            raise DemoError("ended while starting", where=where, fix=f"see {child.output}")
        if b"Mode: standalone" in _four_letters(port, b"srvr"):
            return
        time.sleep(0.1)
    raise DemoError(f"not ready after {seconds:.0f} s", where=where, fix=f"see {child.output}")


def _four_letters(port: int, word: bytes) -> bytes:
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(word)
            return b"".join(iter(lambda: connection.recv(4096), b""))
    except OSError:
        return b""  # not listening yet; the caller asks again until its deadline
