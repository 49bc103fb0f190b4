from __future__ import annotations

import re
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.screens.terminal import Terminal, clean_environment, config_file, console_command, terminal
from tests.support import ModernRig, wait_until

INTERVAL, DEADLINE, BACKOFF_CAP = 5.0, 2.0, 10.0
SLACK = 5.0
"""What a loaded machine may add to a bound."""


def _is_up(window: Terminal, place: str) -> bool:
    return re.search(rf"^ {place} .* up ", window.screen, re.MULTILINE) is not None


@pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=["80x24", "160x50"])
def test_the_live_cluster(modern: ModernRig, tmp_path: Path, size: tuple[int, int]) -> None:
    with terminal(
        *size, *console_command(config_file(modern, tmp_path)), environment=clean_environment()
    ) as window:
        screen = window.wait_for("4/4 hosts up")
        for place in ("1/1", "1/2", "2/1", "2/2"):
            # What is captured may be half a frame.
            wait_until(partial(_is_up, window, place), 10)
        for title in ("STATE", "R/O", "LAG", "QUEUE", "PARTS", "REPL"):
            assert title in screen.splitlines()[1]
        window.wait_for("GiB" if size[0] > 100 else "2/2")
        window.keys("Enter")
        window.wait_for("rows inserted")
        window.wait_for("otel.traces")
        window.keys("Escape")
        window.wait_for("replicas 1/4")
        window.keys("Q")
        window.wait_for("exit=0")


def test_a_hung_host_is_seen_the_rest_lives_and_leaving_waits_for_nobody(
    modern: ModernRig, tmp_path: Path
) -> None:
    with terminal(
        160, 30, *console_command(config_file(modern, tmp_path)), environment=clean_environment()
    ) as window:
        window.wait_for("4/4 hosts up")
        modern.nodes[3].suspend()
        began = time.monotonic()
        window.wait_for("HUNG", INTERVAL + DEADLINE + SLACK)
        assert time.monotonic() - began < INTERVAL + DEADLINE + SLACK
        assert "3/4 hosts up" in window.lines[0]
        # Nothing changes on the rows of hosts that are well: that they are still asked is seen when one dies.
        modern.nodes[2].kill()
        window.wait_for("REFUSED", INTERVAL + SLACK)
        assert "2/4 hosts up" in window.lines[0]
        modern.nodes[2].restart()
        window.wait_for("3/4 hosts up", BACKOFF_CAP + INTERVAL + SLACK)
        modern.nodes[3].resume()
        window.wait_for("4/4 hosts up", BACKOFF_CAP + INTERVAL + SLACK)
        modern.nodes[3].suspend()
        window.wait_for("HUNG", INTERVAL + DEADLINE + SLACK)
        window.keys("Q")
        window.wait_for("exit=0", 3.0)
        modern.nodes[3].resume()


def test_a_killed_host_is_refused_and_comes_back(modern: ModernRig, tmp_path: Path) -> None:
    with terminal(
        160, 30, *console_command(config_file(modern, tmp_path)), environment=clean_environment()
    ) as window:
        window.wait_for("4/4 hosts up")
        modern.nodes[2].kill()
        window.wait_for("REFUSED", INTERVAL + DEADLINE + SLACK)
        window.wait_for("nothing listens there")
        modern.nodes[2].restart()
        window.wait_for("4/4 hosts up", BACKOFF_CAP + INTERVAL + SLACK)


def test_the_blind_user_gets_a_banner(modern: ModernRig, tmp_path: Path) -> None:
    command = console_command(config_file(modern, tmp_path, "blind"))
    with terminal(80, 24, *command, environment=clean_environment()) as window:
        window.wait_for("this user sees only part of the tables")
        window.keys("?")
        window.wait_for("chtui help")
        window.keys("Escape")
        window.wait_for("this user sees only part of the tables")


def test_keys_typed_in_one_burst(modern: ModernRig, tmp_path: Path) -> None:
    with terminal(
        80, 24, *console_command(config_file(modern, tmp_path)), environment=clean_environment()
    ) as window:
        window.wait_for("4/4 hosts up")
        window.keys("/shard9", "Enter", "j", "j")
        window.wait_for("no row matches /shard9")
        window.keys(":q", "Enter")
        window.wait_for("exit=0")


def test_a_window_too_small_says_so_and_recovers(modern: ModernRig, tmp_path: Path) -> None:
    with terminal(
        80, 24, *console_command(config_file(modern, tmp_path)), environment=clean_environment()
    ) as window:
        window.wait_for("4/4 hosts up")
        window.resize(20, 5)
        window.wait_for("too small")
        window.resize(100, 30)
        window.wait_for("4/4 hosts up")


@pytest.mark.parametrize(
    ("variables", "forbidden"),
    [
        ({"NO_COLOR": "1"}, r"\x1b\[[0-9;]*(3[0-7]|4[0-7]|38|48|9[0-7])[;m]"),
        ({"TERM": "xterm"}, r"\x1b\[[0-9;]*[34]8;[25]"),
        ({"TERM": "linux"}, r"\x1b\[[0-9;]*[34]8;[25]"),
    ],
    ids=["NO_COLOR", "xterm", "linux"],
)
def test_few_colours_or_none(
    modern: ModernRig, tmp_path: Path, variables: dict[str, str], forbidden: str
) -> None:
    command = console_command(config_file(modern, tmp_path))
    with terminal(80, 24, *command, environment={**clean_environment(), **variables}) as window:
        window.wait_for("4/4 hosts up")
        window.wait_for("1/1")
        found = re.search(forbidden, window.raw)
        assert found is None, f"{found and found[0]!r} in {window.raw!r}"


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_can_move_no_cursor(term: str) -> None:
    variables = {**clean_environment(), "TERM": term}
    with terminal(
        80, 24, sys.executable, "-m", "chtui", "--host", "127.0.0.1:1", environment=variables
    ) as window:
        screen = window.wait_for("exit=2")
        assert f"chtui: TERM={term}: this terminal can move no cursor" in screen


def test_no_host_at_all_is_a_line_on_screen() -> None:
    command = (sys.executable, "-m", "chtui", "--host", "127.0.0.1:1")
    with terminal(80, 24, *command, environment=clean_environment()) as window:
        screen = window.wait_for("connection refused")
        assert "no cluster yet" in screen
        window.keys("Q")
        window.wait_for("exit=0")


def test_the_demo_command(tmp_path: Path) -> None:
    command = (
        sys.executable,
        "-m",
        "chtui",
        "demo",
        "--rows",
        "500",
        "--shards",
        "1",
        "--replicas",
        "1",
        "--dir",
        str(tmp_path / "d"),
    )
    with terminal(80, 24, *command, environment=clean_environment()) as window:
        window.wait_for("1/1 hosts up", 60)
        window.keys("Q")
        window.wait_for("exit=0", 20)


def test_exported_sizes_of_another_terminal_are_not_believed(modern: ModernRig, tmp_path: Path) -> None:
    variables = {**clean_environment(), "COLUMNS": "200", "LINES": "60"}
    with terminal(80, 24, *console_command(config_file(modern, tmp_path)), environment=variables) as window:
        window.wait_for("4/4 hosts up")
        assert "replicas 1/4" in window.lines[23]


def test_a_fault_of_chtui_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(
        "import sys\nfrom chtui.app import ChtuiApp\nfrom chtui.cli import entry\n"
        "def fail(self):\n    raise RuntimeError('boom [/x]')\n"
        "ChtuiApp.on_ready = fail\nsys.argv = ['chtui', '--host', '127.0.0.1:1']\nsys.exit(entry())\n"
    )
    with terminal(100, 24, sys.executable, str(broken), environment=clean_environment()) as window:
        screen = window.wait_for("exit=70")
        assert "chtui: internal error, RuntimeError: boom [/x]; please report it with" in screen
        assert "Traceback" not in screen
