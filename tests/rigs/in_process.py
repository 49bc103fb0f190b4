"""ClickHouse in a process, behind an HTTP port as the driver expects one: for versions that open no port themselves.

As a program, `python in_process.py MODULE_FOLDER DIRECTORY PORT` serves until its standard input ends, one request at a time. A request's
settings and parameters become SET statements before its text, so parameters are bound by the engine. Two things are not as on a server: the
user is always the engine's own, and `readonly` is not set, for nothing could take it back in a session that stays.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

LOOPBACK = "127.0.0.1"
CODE = re.compile(r"Code: (\d+)")
SPECIAL = re.compile(r"[\x00-\x1f'\\;]")
FORMAT = "TabSeparated"
"""What a server answers in where a query names no format."""
Run = Callable[[str], bytes]
"""What a script gives.

Raises:
    RuntimeError: a statement of it failed.
"""

CONFIG = """<clickhouse>
    <logger><level>none</level></logger>
    <tcp_port>{tcp_port}</tcp_port>
    <remote_servers>
        <{cluster}><shard><replica><host>127.0.0.1</host><port>{tcp_port}</port></replica></shard></{cluster}>
        <unreachable><shard><replica><host>127.0.0.1</host><port>{dead_port}</port></replica></shard></unreachable>
    </remote_servers>
    <storage_configuration>
        <disks><cold><path>{directory}/cold/</path></cold></disks>
        <policies><tiered><volumes>
            <hot><disk>default</disk></hot>
            <cold><disk>cold</disk></cold>
        </volumes></tiered></policies>
    </storage_configuration>
</clickhouse>
"""


def opened(module_folder: str, directory: str) -> Run:
    """The engine in a module folder, on the data below a directory, whose `config.xml` it reads."""
    os.chdir(directory)
    sys.path.insert(0, module_folder)
    # Not the package `chdb` around it: importing that opens an engine, without data.
    engine: Any = import_module("_chdb")
    data = f"{directory}/data"
    if hasattr(engine, "connect"):
        connection = engine.connect(data)
        return lambda script: bytes(connection.query(script, FORMAT).bytes())

    def run(script: str) -> bytes:
        # It writes down every SET without its quotes, and chokes on that the next time.
        Path(data, "set_statements").unlink(missing_ok=True)
        result = engine.query(script, FORMAT, path=data)
        if result.has_error():
            raise RuntimeError(result.error_message())
        return bytes(result.bytes())

    return run


def settings_of(run: Run) -> frozenset[str]:
    """The names of the settings the engine knows."""
    names = run(
        "SELECT arrayStringConcat(groupArray(name), ' ') AS names FROM system.settings FORMAT RawBLOB"
    )
    return frozenset(names.decode().split()) - {"readonly"}


def script_of(query: str, body: str, known: frozenset[str]) -> str:
    """A request as a script: SET for each setting the engine knows and each parameter, then the text itself."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    sets = [
        f"SET {name} = {quoted(value)}"
        for name, value in given.items()
        if name in known or name.startswith("param_")
    ]
    return ";\n".join([*sets, f"{given.get('query', '')}\n{body}".strip()])


def quoted(text: str) -> str:
    """A literal with codes for all that is special: the oldest engine ends a statement at any `;`."""
    return "'" + SPECIAL.sub(lambda found: f"\\x{ord(found[0]):02X}", text) + "'"


class Server(HTTPServer):
    """The engine's port. Requests are served in the thread that opened the engine, each on a connection of its own."""

    def __init__(self, port: int, run: Run) -> None:
        self.run = run
        self.known = settings_of(run)
        super().__init__((LOOPBACK, port), Handler)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server

    def do_GET(self) -> None:
        """Answer `/ping` and queries in the address."""
        if urlsplit(self.path).path == "/ping":
            return self._answer(200, b"Ok.\n")
        return self.do_POST()

    def do_POST(self) -> None:
        """Answer a query."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        try:
            self._answer(200, self.server.run(script_of(urlsplit(self.path).query, body, self.server.known)))
        except RuntimeError as error:
            code = CODE.search(str(error))
            self._answer(500, str(error).encode(), code[1] if code else "")

    def _answer(self, status: int, body: bytes, code: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.end_headers()
        self.wfile.write(body)


def main(module_folder: str, directory: str, port: int) -> None:
    """Serve until standard input ends."""
    held = os.dup(0)
    # The engine takes a standard input that is no terminal for a table.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def end_with_input() -> None:
        while os.read(held, 1):
            pass
        os._exit(0)

    threading.Thread(target=end_with_input, daemon=True).start()
    Server(port, opened(module_folder, directory)).serve_forever()


@contextmanager
def in_process(module_folder: Path, directory: Path, *, cluster: str) -> Iterator[int]:
    """Serve the engine in a module folder on a port of loopback, in a process of its own; the port.

    `cluster` is the name of a cluster of that one host; `unreachable` is one of a host that is down.
    """
    from tests.rigs.http_probe import ping
    from tests.rigs.processes import ManagedProcess, free_ports, wait_until

    # Nothing listens on the second and the third. By the second the engine knows itself in the cluster.
    port, tcp_port, dead_port = free_ports(3)
    directory.mkdir(parents=True, exist_ok=True)
    config = CONFIG.format(cluster=cluster, tcp_port=tcp_port, dead_port=dead_port, directory=directory)
    (directory / "config.xml").write_text(config, encoding="utf-8")
    command = [sys.executable, "-I", __file__, str(module_folder), str(directory), str(port)]
    process = ManagedProcess(
        f"engine of {module_folder}", command, directory, directory / "log", hold_stdin=True
    )

    def answers() -> bool:
        try:
            return ping(port) == "Ok.\n"
        except OSError:
            return False

    process.start()
    try:
        wait_until(answers, 60, "the engine to answer", process)
        yield port
    finally:
        process.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
