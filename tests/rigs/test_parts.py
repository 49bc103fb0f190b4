"""The parts of the test bench that need no engine."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rigs.forwarder import SettingsForwarder, TcpForwarder
from tests.rigs.http_probe import ping
from tests.rigs.impostors import PAGE, ClosedPort, PlainHttpServer, SilentServer
from tests.rigs.login_query import LOGIN_QUERY, REWRITTEN, LoginQueryRewriter
from tests.rigs.processes import (
    LOOPBACK,
    ManagedProcess,
    RigError,
    RigTimeoutError,
    free_ports,
    wait_until,
)

ROOT = Path(__file__).parents[2]


def test_forwarder_passes_much_in_both_directions() -> None:
    listener = socket.create_server((LOOPBACK, 0))
    size = 20 << 20

    def echo() -> None:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(1 << 16):
                connection.sendall(data)

    echoing = threading.Thread(target=echo)
    echoing.start()
    with listener, TcpForwarder(LOOPBACK, listener.getsockname()[1]) as forwarder:
        with socket.create_connection((LOOPBACK, forwarder.port), timeout=30) as connection:

            def send() -> None:
                connection.sendall(b"x" * size)
                connection.shutdown(socket.SHUT_WR)

            sending = threading.Thread(target=send)
            sending.start()
            received = 0
            while data := connection.recv(1 << 16):
                received += len(data)
            sending.join()
        assert received == size == forwarder.bytes_to_client == forwarder.bytes_to_target
        wait_until(lambda: forwarder.open_connections == 0, 5, "both ends to be closed")
    echoing.join()


def requests_of_one_connection(query: bytes, chunk: bytes) -> bytes:
    large = b"SELECT name, value" * 4_000
    return b"".join(
        [
            b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /?database=a HTTP/1.1\r\nHost: x\r\ncontent-length:  %d\r\nX: y\r\n\r\n%s"
            % (len(query), query),
            b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(large), large),
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"%x\r\n%s\r\n5;a=b\r\n,1,2\n\r\n0\r\nTrailer: t\r\n\r\n" % (len(chunk), chunk),
            b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\nSELECT 1",
            b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
        ]
    )


@pytest.mark.parametrize("step", [1, 7, 1_000, 1_000_000])
def test_only_the_login_query_is_rewritten(step: int) -> None:
    def through(data: bytes) -> bytes:
        rewriter = LoginQueryRewriter()
        return b"".join(rewriter.feed(data[start : start + step]) for start in range(0, len(data), step))

    other = requests_of_one_connection(b"SELECT 1 FROM system.settings", b"INSERT INTO t FORMAT CSV\n")
    assert through(other) == other
    tail = b" LIMIT 10000\n FORMAT Native"
    assert through(requests_of_one_connection(LOGIN_QUERY + tail, LOGIN_QUERY + tail)) == (
        requests_of_one_connection(REWRITTEN + tail, REWRITTEN + tail)
    )
    native = b"\0\x11ClickHouse client\r\n\r\n" + bytes(range(256))
    assert through(native) == native


def test_forwarder_loses_no_byte_of_a_client_that_does_not_wait() -> None:
    def echo(listener: socket.socket) -> None:
        for _ in range(200):
            connection, _address = listener.accept()
            with connection:
                while data := connection.recv(1 << 16):
                    connection.sendall(data)

    with socket.create_server((LOOPBACK, 0)) as listener:
        echoing = threading.Thread(target=echo, args=(listener,), daemon=True)
        echoing.start()
        with TcpForwarder(LOOPBACK, listener.getsockname()[1]) as forwarder:
            for number in range(200):
                with socket.create_connection((LOOPBACK, forwarder.port), timeout=10) as connection:
                    connection.sendall(b"%d" % number)
                    if number % 2:
                        connection.shutdown(socket.SHUT_WR)
                    assert connection.recv(100) == b"%d" % number
        echoing.join(10)


def test_settings_forwarder_hangs_with_its_target_and_closes_where_there_is_none() -> None:
    with SilentServer() as silent, SettingsForwarder(silent.port) as hanging:
        with pytest.raises(TimeoutError):
            ping(hanging.port, timeout=0.3)
        assert silent.connections == 1
    with SettingsForwarder(ClosedPort().port) as closed, pytest.raises(ConnectionError):
        ping(closed.port)


def test_impostors_are_what_they_claim(plain_http_server: PlainHttpServer) -> None:
    assert ping(plain_http_server.port) == PAGE.decode()
    with SilentServer() as silent, pytest.raises(TimeoutError):
        ping(silent.port, timeout=0.3)
    with pytest.raises(ConnectionRefusedError):
        ping(ClosedPort().port)


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Callable[[str], ManagedProcess]]:
    made: list[ManagedProcess] = []

    def make(script: str) -> ManagedProcess:
        made.append(ManagedProcess("sleeper", ["sh", "-c", script], tmp_path, tmp_path / "sleeper.log"))
        return made[-1]

    yield make
    for process in made:
        process.kill()


def test_a_process_outlives_the_thread_that_started_it(sleeper: Callable[[str], ManagedProcess]) -> None:
    process = sleeper("echo up; exec sleep 1000")
    starter = threading.Thread(target=process.start)
    starter.start()
    starter.join()
    wait_until(lambda: process.log_tail() == "up", 5, "the process to be up", process)
    assert process.is_alive
    process.suspend()
    process.stop()
    assert process.returncode == -signal.SIGTERM
    process.restart()
    assert process.is_alive


def test_waiting_says_what_for_and_shows_the_log(sleeper: Callable[[str], ManagedProcess]) -> None:
    process = sleeper("echo the last words; exit 3")
    process.start()
    with pytest.raises(RigError, match=r"for the moon: sleeper ended with 3\n(?s:.*)the last words"):
        wait_until(lambda: False, 10, "the moon", process)
    with pytest.raises(RigTimeoutError, match=r"for the moon: not after 0.1 s"):
        wait_until(lambda: False, 0.1, "the moon")


def test_ports_are_never_given_twice() -> None:
    script = "from tests.rigs.processes import free_ports; print(*free_ports(300)); input()"
    others = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ports = free_ports(200) + free_ports(100)
    for other in others:
        assert other.stdout is not None
        ports += [int(port) for port in other.stdout.readline().split()]
    assert len(ports) == len(set(ports)) == 900
    for other in others:
        other.communicate("\n")
