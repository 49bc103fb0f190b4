"""Passwords: read once, when needed, never shown."""

from __future__ import annotations

import copy
import logging
import pickle
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chtui.errors import ConfigError
from chtui.profile import Credentials, Secret
from tests.support import replace

PASSWORD = "hunter2"


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


def command(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_nothing_shows_a_secret() -> None:
    secret = Secret.literal(PASSWORD, "here")
    secret.reveal()
    credentials = Credentials("u", secret)
    record = logging.LogRecord("x", 20, "f", 1, "%s %r", (secret, secret), None)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>9}",
        f"{secret!r}",
        repr(credentials),
        repr(credentials._asdict()),
    ]
    shown += [record.getMessage(), f"{[secret]}", repr(vars(Credentials)), "%s" % secret]  # noqa: UP031
    for text in shown:
        assert PASSWORD not in text
    assert str(secret) == repr(secret) == "***"
    assert not hasattr(secret, "__dict__")
    assert copy.deepcopy(secret) is secret is copy.copy(secret)
    assert replace(credentials, user="v").secret is secret
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_an_empty_password_is_one() -> None:
    assert Secret.literal("", "here").reveal() == ""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (b"pw\n", "pw"),
        (b"pw\r\n", "pw"),
        (b"pw", "pw"),
        (b"", ""),
        (b"\n", ""),
        (b" pw \n", " pw "),
        ("ü\n".encode(), "ü"),
    ],
)
def test_a_file_and_a_command_lose_their_line_end(tmp_path: Path, written: bytes, meant: str) -> None:
    path = tmp_path / "pw"
    path.write_bytes(written)
    assert Secret.from_file(path, "here").reveal() == meant
    printed = command(f"import sys; sys.stdout.buffer.write({written!r})")
    assert Secret.from_command(printed, "here").reveal() == meant


def test_a_file_which_others_read_is_warned_of_but_not_read(tmp_path: Path) -> None:
    path = tmp_path / "pw"
    path.write_text(PASSWORD)
    for mode, warned in ((0o600, False), (0o400, False), (0o640, True), (0o604, True)):
        path.chmod(mode)
        assert bool(Secret.from_file(path, "here").warning()) is warned
    path.chmod(0o644)
    warning = Secret.from_file(path, "here").warning()
    assert str(path) in warning
    assert "chmod 600" in warning
    assert PASSWORD not in warning
    assert "No such file" in Secret.from_file(tmp_path / "none", "here").warning()


@pytest.mark.parametrize("content", [b"hunter2\nmore\n", b"hunter2\xff", b"hunter2" * 20000])
def test_a_file_that_holds_no_password(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pw"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Secret.from_file(path, "c.toml:4").reveal()
    assert caught.value.line.startswith("c.toml:4: ")
    assert PASSWORD not in caught.value.line
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path, Path("a\0b")):
        with pytest.raises(ConfigError, match=r"c\.toml:4: the password file .* cannot be read"):
            Secret.from_file(path, "c.toml:4").reveal()


def test_a_command_string_meets_no_shell(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    text = f"{sys.executable} -c 'import sys; print(sys.argv[1:])' $HOME ; touch {marker}"
    assert Secret.from_command(text, "here").reveal() == f"['$HOME', ';', 'touch', '{marker}']"
    assert not marker.exists()


def test_a_command_has_no_input_and_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import os, sys; sys.stderr.write('noise'); print(repr(sys.stdin.read()), os.getsid(0) == os.getpid())"
    assert Secret.from_command(command(code), "here").reveal() == "'' True"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "code",
    [
        "import sys; print('hunter2'); sys.exit('hunter2')",
        "print('hunter2\\nx')",
        "import os; os.write(1, b'hunter2\\xff')",
    ],
)
def test_a_failed_command_shows_no_output(code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Secret.from_command(command(code), "c.toml:4").reveal()
    assert caught.value.line.startswith("c.toml:4: password_command ")
    assert PASSWORD not in caught.value.line
    assert caught.value.__cause__ is None


def test_a_hanging_command_is_ended_with_its_children() -> None:
    code = "import subprocess, sys; print('hunter2', flush=True); subprocess.run(['sleep', '60'])"
    started = time.monotonic()
    with pytest.raises(ConfigError, match=r"within 0\.3 s") as caught:
        Secret.from_command(command(code), "here", seconds=0.3).reveal()
    assert time.monotonic() - started < 5
    assert PASSWORD not in caught.value.line
    assert caught.value.__cause__ is None


def test_a_stray_child_holding_the_output_does_not_hang_us() -> None:
    code = (
        "import subprocess; subprocess.Popen(['sleep', '20'], start_new_session=True); print('x', flush=True)"
    )
    started = time.monotonic()
    with pytest.raises(ConfigError):
        Secret.from_command(command(code), "here", seconds=0.5).reveal()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("words", ["", "   ", "'open", [], [""]])
def test_a_command_that_cannot_be_one(words: str | list[str]) -> None:
    with pytest.raises(ConfigError, match=r"^c\.toml:4: password_command"):
        Secret.from_command(words, "c.toml:4")


def test_a_program_that_is_not_there() -> None:
    for words in (["/none/pw"], ["a\0b"]):
        with pytest.raises(ConfigError, match="cannot be started"):
            Secret.from_command(words, "here").reveal()


def test_an_environment_variable_is_looked_up_late() -> None:
    environ: dict[str, str] = {}
    secret = Secret.from_environment("PW", environ, "c.toml:4")
    with pytest.raises(ConfigError, match=r"c\.toml:4: the variable PW is not set"):
        secret.reveal()
    environ["PW"] = ""
    assert Secret.from_environment("PW", environ, "here").reveal() == ""
    environ["PW"] = "hunter2\udcff"
    with pytest.raises(ConfigError) as caught:
        Secret.from_environment("PW", environ, "here").reveal()
    assert PASSWORD not in caught.value.line


def test_a_prompt_is_asked_once() -> None:
    asked: list[str] = []

    def prompt(text: str) -> str:
        asked.append(text)
        return PASSWORD

    secret = Secret.from_prompt(prompt, "Password: ", "here")
    assert asked == []
    assert [secret.reveal(), secret.reveal()] == [PASSWORD, PASSWORD]
    assert asked == ["Password: "]


def test_nobody_to_ask() -> None:
    def closed(text: str) -> str:
        raise EOFError

    for prompt in (None, closed):
        with pytest.raises(ConfigError, match="no terminal"):
            Secret.from_prompt(prompt, "Password: ", "here").reveal()


def test_many_threads_read_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"import time; open({str(log)!r}, 'a').write('x'); time.sleep(0.2); print('pw')"
    secret = Secret.from_command(command(code), "here")
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(secret.reveal())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["pw"] * 8
    assert log.read_text() == "x"


def test_a_failure_is_remembered_for_a_while() -> None:
    calls: list[int] = []
    clock = HandClock()

    def read() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise ConfigError("not yet", where="here", fix="wait")
        return PASSWORD

    secret = Secret(read, "here", clock=clock)
    for moment, count in ((0.0, 1), (9.9, 1), (10.1, 2), (15.0, 2)):
        clock.seconds = moment
        with pytest.raises(ConfigError, match="here: not yet; wait"):
            secret.reveal()
        assert len(calls) == count
    clock.seconds = 30.0
    assert secret.reveal() == PASSWORD
