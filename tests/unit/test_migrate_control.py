"""The socket of a run: what is asked and answered, who may, and that no client harms it."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from chtui import paths
from chtui.errors import MigrateError, QueryError
from chtui.migrate import control
from chtui.migrate.control import CLIENTS, Control, ask, socket_path
from tests.support import wait_until
from tests.unit.hand import HOSTILE

RUN = "otel_v2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def handle(verb: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
    """An engine of few words."""
    if verb == "status":
        return {"stage": "backfill", "given": MappingProxyType(dict(args)), "chunks": (1, 2)}
    if verb == "pause":
        raise MigrateError("it is paused already", where=RUN, fix="resume it", exit_code=5)
    if verb == "query":
        raise QueryError("Code 60: no such table", code=60)
    if verb == "wrong":
        return {"what": object()}
    if verb == "large":
        return {"text": "x" * int(args["size"])}
    if verb == "disk":
        raise OSError("no room")
    raise KeyError(verb)


@pytest.fixture
def server(folder: Path) -> Iterator[Control]:
    with Control(RUN, handle, directory=folder) as running:
        yield running


def refusal(call: Callable[[], object], exit_code: int) -> MigrateError:
    with pytest.raises(MigrateError) as refused:
        call()
    assert refused.value.exit_code == exit_code
    assert "\n" not in refused.value.line
    return refused.value


def client(server: Control) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.settimeout(10)
    found.connect(str(server.path))
    return found


def sent(server: Control, content: bytes) -> dict[str, Any]:
    """What is answered to these bytes."""
    with client(server) as found:
        found.sendall(content)
        with found.makefile("rb") as stream:
            return dict(json.loads(stream.readline()))


def test_what_is_asked_is_answered(server: Control, folder: Path) -> None:
    found = ask(RUN, "status", {"table": "traces"}, directory=folder)
    assert found == {"stage": "backfill", "given": {"table": "traces"}, "chunks": [1, 2]}
    assert ask(RUN, "status", directory=folder)["given"] == {}
    assert sent(server, b'{"verb": "status"}\n')["ok"]["stage"] == "backfill"
    assert len(ask(RUN, "large", {"size": 5_000_000}, directory=folder)["text"]) == 5_000_000


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 100_000], ids=lambda text: ascii(text[:10]))
def test_hostile_text_comes_through(server: Control, folder: Path, text: str) -> None:
    assert ask(RUN, "status", {text: [text]}, directory=folder)["given"] == {text: [text]}


@pytest.mark.parametrize(
    ("verb", "exit_code", "line"),
    [
        ("pause", 5, "otel_v2: it is paused already; resume it"),
        ("query", 2, "Code 60: no such table"),
        ("nothing", 3, "the run failed to answer: KeyError: 'nothing'"),
        ("disk", 3, "the run failed to answer: OSError: no room"),
        ("wrong", 3, "the run failed to answer: TypeError: JSON has no object"),
    ],
)
def test_errors_come_with_their_exit_codes(
    server: Control, folder: Path, verb: str, exit_code: int, line: str
) -> None:
    for _ in range(CLIENTS + 1):
        assert refusal(lambda: ask(RUN, verb, directory=folder), exit_code).line == line
    assert ask(RUN, "status", directory=folder)


def test_only_its_user_may_enter(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    with Control(RUN, handle, directory=folder) as server:
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())]
        assert modes == [0o700, 0o600, 0o600]
        assert stat.S_ISSOCK(server.path.stat().st_mode)
    assert not server.path.exists()


def test_the_folder_of_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    monkeypatch.setattr("chtui.migrate.control.os.getuid", lambda: 4711)
    assert "another user's" in refusal(lambda: ask(RUN, "status", directory=folder), 2).what


def test_where_no_run_is_up(folder: Path) -> None:
    refused = refusal(lambda: ask(RUN, "status", directory=folder), 3)
    assert refused.line == "otel_v2: no run is up; start it with chtui migrate run"
    Control(RUN, handle, directory=folder).stop()
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as stale:
        stale.bind(str(socket_path(RUN, directory=folder)))
    assert refusal(lambda: ask(RUN, "status", directory=folder), 3).what == "no run is up"


def test_the_path_is_derived_from_the_run_and_short_enough(tmp_path: Path) -> None:
    assert socket_path(RUN).parent == paths.runtime_dir()
    assert socket_path(RUN, directory=tmp_path).name == "otel_v2.sock"
    room = control.PATH_BYTES - len(os.fsencode(tmp_path)) - 2
    folder = tmp_path / ("x" * (room - len("0123456789abcdef.sock")))
    name = "y" * 48
    path = socket_path(name, directory=folder)
    assert len(os.fsencode(path)) == control.PATH_BYTES
    assert path != socket_path("y" * 47, directory=folder)
    with Control(name, handle, directory=folder):
        assert ask(name, "status", directory=folder)
    longer = folder.with_name(folder.name + "x")
    assert "so long a name" in refusal(lambda: socket_path(name, directory=longer), 2).what
    assert "a run cannot be called" in refusal(lambda: ask("../x", "status"), 2).what


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"rubbish\n",
        b"\x00\xff\xfe\n",
        b"[]\n",
        b'{"verb": 1}\n',
        b'{"verb": "status", "args": []}\n',
        b'{"args": {}}\n',
        b"[" * 100_000 + b"\n",
        b'"' + b"x" * 100_000 + b'"\n',
    ],
)
def test_rubbish_is_answered_by_an_error(server: Control, content: bytes) -> None:
    answer = sent(server, content)
    assert answer["exit_code"] == 2
    assert answer["error"].startswith("that is no request")
    assert sent(server, b'{"verb": "status"}\n')["ok"]


def test_a_line_too_long_or_without_end_is_an_error(server: Control, folder: Path) -> None:
    refused = refusal(lambda: ask(RUN, "status", {"x": "y" * control.REQUEST_BYTES}, directory=folder), 2)
    assert "longer than" in refused.what
    with client(server) as found:
        found.sendall(b'{"verb": "status"}')
        found.shutdown(socket.SHUT_WR)
        assert b"the line has no end" in found.recv(1000)
    with client(server) as found:
        found.sendall(b"x")
    assert ask(RUN, "status", directory=folder)


def test_clients_that_hang_are_dropped_and_harm_nobody(
    server: Control, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "CLIENT_SECONDS", 0.5)
    with ExitStack() as stack:
        silent = [stack.enter_context(client(server)) for _ in range(CLIENTS - 2)]
        slow = stack.enter_context(client(server))
        greedy = stack.enter_context(client(server))
        greedy.sendall(b'{"verb": "large", "args": {"size": 10000000}}\n')
        started = time.monotonic()
        # All places are taken: whoever comes now is told so at once.
        wait_until(lambda: server._free._value == 0, 5)
        assert "busy" in refusal(lambda: ask(RUN, "status", directory=folder), 3).what
        assert time.monotonic() - started < 0.5
        for _ in range(3):
            slow.sendall(b"x")
            time.sleep(0.1)
        for found in (*silent, slow):
            assert b"no request came" in found.recv(1000)
        assert time.monotonic() - started < 2
        wait_until(lambda: server._free._value == CLIENTS, 5)
        assert ask(RUN, "status", directory=folder)


def test_many_clients_are_answered_side_by_side(folder: Path) -> None:
    meeting = threading.Barrier(CLIENTS)

    def together(verb: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        meeting.wait(10)
        return args

    found: list[int] = []
    with Control(RUN, together, directory=folder):
        threads = [
            threading.Thread(
                target=lambda number=number: found.append(
                    ask(RUN, "x", {"number": number}, directory=folder)["number"]
                )
            )
            for number in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == list(range(CLIENTS))


def test_who_ends_the_run_still_gets_an_answer(folder: Path) -> None:
    over = threading.Event()

    def end(verb: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        over.set()
        time.sleep(0.2)
        return {"over": True}

    server = Control(RUN, end, directory=folder)
    server.start()
    answers: list[Mapping[str, Any]] = []
    thread = threading.Thread(target=lambda: answers.append(ask(RUN, "abort", directory=folder)))
    thread.start()
    assert over.wait(5)
    server.stop()
    thread.join()
    assert answers == [{"over": True}]
    assert refusal(lambda: ask(RUN, "abort", directory=folder), 3).what == "no run is up"
    with Control(RUN, handle, directory=folder):
        assert ask(RUN, "status", directory=folder)


PROCESS = """
import sys, time
from pathlib import Path
from chtui.migrate.control import Control
with Control("otel_v2", lambda verb, args: {"verb": verb}, directory=Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def other(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The run, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    yield process
    process.kill()
    process.communicate()


def test_a_live_socket_is_refused_and_that_of_a_dead_process_replaced(
    folder: Path, other: subprocess.Popen[str]
) -> None:
    mine = Control(RUN, handle, directory=folder)
    refused = refusal(mine.start, 4)
    assert refused.what == f"the run is up already: process {other.pid} answers for it"
    mine.stop()
    assert ask(RUN, "x", directory=folder) == {"verb": "x"}
    other.kill()
    other.wait()
    assert socket_path(RUN, directory=folder).exists()
    assert refusal(lambda: ask(RUN, "x", directory=folder), 3).what == "no run is up"
    with Control(RUN, handle, directory=folder):
        assert ask(RUN, "status", directory=folder)["stage"] == "backfill"


def test_a_process_that_hangs_is_unknown_in_time(folder: Path, other: subprocess.Popen[str]) -> None:
    other.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    try:
        refused = refusal(lambda: ask(RUN, "x", seconds=0.5, directory=folder), 3)
        assert refused.what == "the run did not answer within 0.5 s"
        with ExitStack() as stack:
            # Until not even a connection is to be had.
            for _ in range(CLIENTS + 2):
                found = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                found.setblocking(False)
                found.connect_ex(str(socket_path(RUN, directory=folder)))
            refused = refusal(lambda: ask(RUN, "x", seconds=0.5, directory=folder), 3)
            assert refused.what == "the run did not answer within 0.5 s"
        refusal(Control(RUN, handle, directory=folder).start, 4)
        assert time.monotonic() - started < 5
    finally:
        other.send_signal(signal.SIGCONT)
    assert ask(RUN, "x", directory=folder) == {"verb": "x"}


def test_what_is_no_socket_is_left_alone(folder: Path) -> None:
    path = socket_path(RUN, directory=folder)
    path.write_text("precious")
    assert refusal(Control(RUN, handle, directory=folder).start, 2).what == "what is there is no socket"
    assert path.read_text() == "precious"
    assert refusal(lambda: ask(RUN, "x", directory=folder), 3)


def test_an_answer_of_something_else_is_told(folder: Path) -> None:
    path = socket_path(RUN, directory=folder)
    for content, what in (
        (b"rubbish\n", "what answers is no run of chtui"),
        (b'{"ok": 1}\n', "what answers is no run of chtui"),
        (b'{"error": "x", "exit_code": "y"}\n', "what answers is no run of chtui"),
        (b"", "the socket cannot be used: the line has no end"),
    ):
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listening:
            listening.bind(str(path))
            listening.listen(1)

            def impostor(listening: socket.socket = listening, content: bytes = content) -> None:
                found, _ = listening.accept()
                with found:
                    found.recv(1000)
                    found.sendall(content)

            thread = threading.Thread(target=impostor)
            thread.start()
            assert refusal(lambda: ask(RUN, "x", directory=folder), 3).what == what
            thread.join()
        path.unlink()
