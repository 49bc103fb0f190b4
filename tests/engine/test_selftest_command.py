"""`chtui migrate selftest` as a process: its figures, its refusals, and that nothing of it stays."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.commands import ROOT, Command, command
from tests.support import wait_until

SELFTEST = ("migrate", "selftest")
CHEAP = "killed/wizard/schema/before"
HANGS = ("--cases", "all", "--only", "hung/source/copy/sent")


@pytest.fixture
def chtui() -> Iterator[Command]:
    """The command with nothing to lead it anywhere."""
    with command() as made:
        yield made


def temporary(chtui: Command) -> dict[str, str]:
    """An environment in which temporary files are in a folder of the test's own, which is made."""
    folder = chtui.home / "t"
    folder.mkdir(exist_ok=True)
    return {"TMPDIR": str(folder)}


def processes(chtui: Command) -> list[str]:
    """Command lines that have to do with the test's folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        if str(chtui.home) in text:
            found.append(text)
    return found


def test_a_case_is_carried_out_and_nothing_stays(chtui: Command) -> None:
    results, env = chtui.home / "results.jsonl", temporary(chtui)
    arguments = (*SELFTEST, "--only", CHEAP, "--results", str(results))
    done = chtui(*arguments, env=env, seconds=200)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split()[:3] == ["1/1", "exact", CHEAP]
    assert lines[-1].split()[:8] == ["all,", "on", json.loads(results.read_text())["version"], *"10000"]
    assert max(map(len, lines)) <= 80
    assert list((chtui.home / "t").iterdir()) == []
    assert processes(chtui) == []

    assert chtui(*arguments).refusal().startswith(f"{results}: this file has results already; --resume")
    again = chtui(*arguments, "--resume", "--json")
    assert again.code == 0, "the case was done: no cluster is started"
    found = json.loads(again.out)
    assert found["schema"] == "chtui/1 migrate selftest"
    assert (found["cases"], found["failed"], found["missing"], found["extra"]) == (1, 0, 0, 0)
    # What failed once is told by the exit code, however the rest went.
    failed = {**json.loads(results.read_text()), "verdict": "failed", "missing": 3}
    results.write_text(json.dumps(failed) + "\n")
    told = chtui(*arguments, "--resume", "--json")
    assert (told.code, json.loads(told.out)["failures"]) == (1, [failed])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_stays_of_one_that_is_ended(chtui: Command, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "chtui", *SELFTEST, *HANGS],
        cwd=ROOT,
        env=chtui.environment(temporary(chtui)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    folder = chtui.home / "t"
    try:
        # Its first server hangs then: it cannot be asked to end.
        wait_until(lambda: list(folder.glob("chtui-demo-*/c/*/fired")), 100, "a blow")
        assert any("selftest.process" in text for text in processes(chtui))
        process.send_signal(number)
        assert process.wait(30) == (130 if number == signal.SIGTERM else -number)
    finally:
        process.kill()
        _, said = process.communicate()
    assert said.splitlines()[-1].startswith("chtui: interrupted;") is (number == signal.SIGTERM)
    wait_until(lambda: processes(chtui) == [], 20, "the end of every process")
    wait_until(lambda: list(folder.iterdir()) == [], 20, "the end of its folder")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--only", "nobody"), "there is no such case; ask for others"),
        (("--shard", "3/2"), "argument --shard: invalid share value: '3/2'"),
        (("--random", "-1"), "argument --random: invalid number value: '-1'"),
        (("--cases", "some"), "argument --cases: invalid choice: 'some'"),
        (("--resume",), "there is nothing to go on with; name the file with --results"),
        (
            ("--results", "/no/such/folder/file"),
            "/no/such/folder/file: the results cannot be kept: No such file",
        ),
        (("--resume", "--results", "README.md"), "README.md:1: this is no verdict of a case"),
    ],
)
def test_bad_input_has_its_line(chtui: Command, arguments: tuple[str, ...], what: str) -> None:
    done = chtui(*SELFTEST, *arguments)
    assert done.code == 2
    assert what in done.refusal()
