"""Hooks of every kind, those that fail, hang and lie among them."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chtui.errors import MigrateError
from chtui.migrate import facts, hooks
from chtui.migrate.errands import Errand
from chtui.migrate.hands import Hands
from chtui.migrate.layout import Ground, Layout
from chtui.migrate.live.words import Words
from chtui.migrate.progress import Progress
from chtui.migrate.spec import Flavour, Hook
from chtui.migrate.stand import Stand
from tests.rigs.migrating import Case
from tests.support import replace, wait_until


class Diary:
    """Keeps what is written down."""

    generation = 1

    def __init__(self) -> None:
        self.lines: list[Mapping[str, Any]] = []
        self.lost = False

    def append(self, kind: str, told: Mapping[str, Any]) -> int:
        assert kind in (facts.HOOK, facts.ACCEPTED)
        self.lines.append(told)
        return len(self.lines)

    def check(self) -> None:
        if self.lost:
            raise MigrateError("the lease was lost", exit_code=4)

    @property
    def outcomes(self) -> list[str]:
        return [str(line["outcome"]) for line in self.lines]


DIARY = Diary()


def standing(diary: Diary, **given: Hook) -> Stand:
    case = Case("hooked", "", {}, [], 1, "", "")
    spec = replace(case.spec(), hooks=given)
    ground = Ground(spec, None, Layout((), (), Flavour.PLAIN), {})  # type: ignore[arg-type]
    return Stand(ground, Hands("hooked", diary, diary), Progress("hooked"), facts.Facts)


def run(diary: Diary, hook: Hook) -> None:
    hooks.run(standing(diary, reads_v2=hook), "reads_v2", lambda _: False)


def failure(hook: Hook) -> MigrateError:
    diary = Diary()
    with pytest.raises(MigrateError) as caught:
        run(diary, hook)
    assert diary.outcomes == ["begun", "failed"]
    assert "reads_v2" in caught.value.what
    assert caught.value.fix
    return caught.value


def script(text: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text, *arguments)


def test_a_command_is_run_with_nothing_of_the_environment_that_may_be_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHTUI_PASSWORD", "hidden")
    monkeypatch.setenv("SOME_TOKEN", "hidden")
    out = tmp_path / "env.json"
    text = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w')); print(os.getsid(0) == os.getpid())"
    diary = Diary()
    run(diary, Hook(command=script(text, str(out))))
    found = json.loads(out.read_text())
    assert (found["CHTUI_RUN"], found["CHTUI_HOOK"]) == ("hooked", "reads_v2")
    assert "PATH" in found
    assert "hidden" not in found.values()
    assert diary.outcomes == ["begun", "done"]


def test_no_shell_reads_a_command(tmp_path: Path) -> None:
    marked = tmp_path / "marked"
    run(Diary(), Hook(command=("echo", f"; touch {marked}", "$(id)", "`id`")))
    assert not marked.exists()


def test_a_command_that_fails_says_what_it_printed_made_safe() -> None:
    text = "import sys; print('x' * 100_000); print('no such \\x1b[31mdeployment'); sys.exit(7)"
    error = failure(Hook(command=script(text)))
    assert error.exit_code == 1
    assert "status 7" in error.what
    assert "no such ?[31mdeployment" in error.what
    assert len(error.what) < 500


def test_a_command_that_cannot_be_started() -> None:
    error = failure(Hook(command=("/nowhere/kubectl",)))
    assert (error.exit_code, "No such file" in error.what) == (1, True)


def test_a_command_that_is_killed_by_somebody() -> None:
    assert "signal 9" in failure(Hook(command=script("import os; os.kill(os.getpid(), 9)"))).what


def test_a_command_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    text = (
        "import os, sys, subprocess, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        "open(sys.argv[1], 'w').write(f'{os.getpid()} {child.pid}')\n"
        "print('waiting', flush=True)\n"
        "time.sleep(300)"
    )
    began = time.monotonic()
    error = failure(Hook(command=script(text, str(pids)), timeout_seconds=3.0))
    assert time.monotonic() - began < 10
    assert error.exit_code == 3
    assert "unknown" in error.what
    assert "waiting" in error.what
    for pid in pids.read_text().split():
        wait_until(partial(is_gone, int(pid)), 5, "the end of what it started")


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A zombie of this test's own is dead too.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_command_that_leaves_something_behind_is_not_waited_for(tmp_path: Path) -> None:
    text = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        "open(sys.argv[1], 'w').write(str(child.pid))"
    )
    pid = tmp_path / "pid"
    began = time.monotonic()
    run(Diary(), Hook(command=script(text, str(pid)), timeout_seconds=30))
    assert time.monotonic() - began < 15
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_no_hook_is_run_without_the_lease(tmp_path: Path) -> None:
    diary = Diary()
    diary.lost = True
    marked = tmp_path / "marked"
    with pytest.raises(MigrateError, match="the lease was lost"):
        run(diary, Hook(command=("touch", str(marked))))
    assert not marked.exists()


def test_a_hook_there_is_none_of() -> None:
    diary = Diary()
    with pytest.raises(MigrateError, match="the spec has no hook reads_v1") as caught:
        hooks.run(standing(diary), "reads_v1", lambda _: True)
    assert (caught.value.exit_code, diary.lines) == (2, [])


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        kind = self.headers.get("Content-Type", "")
        if self.path == "/hang":
            time.sleep(5)
        elif self.path == "/trickle":
            self.send_response(200)
            self.end_headers()
            for _ in range(50):
                self.wfile.write(b".")
                self.wfile.flush()
                time.sleep(0.1)
        elif self.path == "/break":
            self.connection.close()
        elif self.path == "/elsewhere":
            self.answer(307, b"", Location="http://127.0.0.1:1/other")
        elif self.path == "/refuse":
            self.answer(500, b"the \x1b[2Jdeployment " + b"y" * 100_000)
        else:
            self.answer(200, body + kind.encode())
            self.server.bodies.append((body, kind))  # type: ignore[attr-defined]

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Service(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.bodies: list[tuple[bytes, str]] = []

    def handle_error(self, *_: object) -> None:
        """Who hangs up is no news."""

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


def test_a_request_is_sent_with_its_body(service: Service) -> None:
    diary = Diary()
    run(diary, Hook(url=service.url("/switch?token=hidden"), body='{"version": "v2"}'))
    assert service.bodies == [(b'{"version": "v2"}', "application/json")]
    assert diary.outcomes == ["begun", "done"]
    assert "hidden" not in json.dumps(diary.lines)


@pytest.mark.parametrize(
    ("path", "exit_code", "words"),
    [
        ("/refuse", 1, "answered 500; it said: the ?[2Jdeployment yyy"),
        ("/elsewhere", 1, "sends elsewhere, to http://127.0.0.1:1/other"),
        ("/break", 3, "unknown"),
        ("/hang", 3, "unknown"),
        ("/trickle", 3, "unknown"),
    ],
)
def test_a_request_that_does_not_go_well(service: Service, path: str, exit_code: int, words: str) -> None:
    began = time.monotonic()
    error = failure(Hook(url=service.url(path), timeout_seconds=1.5))
    assert time.monotonic() - began < 4
    assert error.exit_code == exit_code
    assert words in error.what
    assert len(error.what) < 600
    assert len(service.asked) == 1


def test_nobody_listens() -> None:
    error = failure(Hook(url="http://127.0.0.1:1/switch"))
    assert (error.exit_code, "cannot be reached" in error.what) == (1, True)


def test_a_person_is_waited_for_and_it_is_said_what_for() -> None:
    diary, said = Diary(), threading.Event()
    stand = standing(diary, reads_v2=Hook(confirm="point the dashboards at v2"))
    asked: list[str] = []

    def confirmed(name: str) -> bool:
        asked.append(name)
        return said.is_set()

    thread = threading.Thread(target=hooks.run, args=(stand, "reads_v2", confirmed))
    thread.start()
    wait_until(lambda: "point the dashboards at v2" in stand.progress.status().held_up_by, 5)
    assert diary.outcomes == ["begun"]
    said.set()
    thread.join(5)
    assert not thread.is_alive()
    assert set(asked) == {"reads_v2"}
    assert diary.outcomes == ["begun", "done"]
    assert stand.progress.status().held_up_by == ""


def test_only_what_a_person_does_can_be_confirmed() -> None:
    stand = standing(Diary(), reads_v2=Hook(confirm="do it"), reads_v1=Hook(url="http://127.0.0.1:1/"))
    words = Words(stand)
    taken = Errand("confirm", {"hook": "reads_v2"})
    words.take(taken)
    assert taken.outcome(0) == {"confirm": "reads_v2"}
    assert words.confirmed("reads_v2")
    for name in ("reads_v1", "read_v2", ""):
        wrong = Errand("confirm", {"hook": name})
        words.take(wrong)
        with pytest.raises(MigrateError, match="a person confirms") as caught:
            wrong.outcome(0)
        assert (caught.value.exit_code, caught.value.fix) == (2, "it has reads_v2")
        assert not words.confirmed(name)


def test_a_name_that_was_never_told_is_accepted_with_a_note() -> None:
    diary = Diary()
    stand = standing(diary)
    stand.progress.name_differences(["events 202601 ch-1:9000"])
    words = Words(stand)
    answers = []
    for name in ("events 202601 ch-1:9000", "event 202601 ch-1:9000"):
        errand = Errand("accept", {"name": name})
        words.take(errand)
        answers.append(errand.outcome(0))
    assert answers[0] == {"accept": "events 202601 ch-1:9000"}
    assert "no difference was told by this name" in answers[1]["note"]
    assert [line["name"] for line in diary.lines] == [
        "events 202601 ch-1:9000",
        "event 202601 ch-1:9000",
    ]


def test_a_person_is_waited_for_until_the_run_ends() -> None:
    diary = Diary()
    stand = standing(diary, reads_v2=Hook(confirm="do it", timeout_seconds=0.1))
    threading.Timer(0.6, lambda: stand.progress.end("told to")).start()
    with pytest.raises(MigrateError, match="told to") as caught:
        hooks.run(stand, "reads_v2", lambda _: False)
    assert caught.value.exit_code == 5
    assert diary.outcomes == ["begun", "failed"]
