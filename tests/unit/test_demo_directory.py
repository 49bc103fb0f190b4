"""The demo's directory: whose it is, what it records, who holds it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from chtui.demo.directory import (
    LOCK,
    STATE,
    DemoDirectory,
    Held,
    State,
    await_release,
    decode,
    encode,
    holder,
)
from chtui.demo.options import DemoOptions, Shape
from chtui.errors import DemoError

SHAPE = Shape(shards=2, replicas=2, rows=10, seed=2**63 + 1, days=9, anchor=date(2026, 1, 2))

HOLD = """
import sys, time
from pathlib import Path
from chtui.demo.directory import Held
held = Held(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def hold(path: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock file."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_state_survives_its_file() -> None:
    state = State(
        SHAPE, temporary=True, zookeeper=True, ports={"s1r1.http": 15_001}, filled={"s1r1 otel.traces"}
    )
    assert decode(encode(state), where="x") == state


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"version": 2}, "made by a newer chtui (format 2"),
        ({"format": "other"}, "not a demo's state file"),
        ({"rows": "many"}, "damaged"),
        ({"ports": [1]}, "damaged"),
    ],
)
def test_a_state_that_cannot_be_used_is_refused(change: dict[str, object], expected: str) -> None:
    text = json.dumps({**json.loads(encode(State(SHAPE))), **change})
    with pytest.raises(DemoError) as caught:
        decode(text, where="dir/demo.json")
    assert expected in caught.value.line
    assert caught.value.where == "dir/demo.json"
    assert caught.value.fix


def test_half_a_state_file_is_damaged() -> None:
    with pytest.raises(DemoError, match="damaged"):
        decode(encode(State(SHAPE))[:40], where="x")


def test_a_directory_is_made_private_and_remembers_its_shape(tmp_path: Path) -> None:
    path = tmp_path / "new" / "demo"
    first = DemoDirectory.open(DemoOptions(shards=1, replicas=1, rows=7, directory=path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    secret = first.password("admin")
    assert stat.S_IMODE(first.password_file("admin").stat().st_mode) == 0o600
    first.mark_filled("s1r1 otel.traces")
    first.close()
    again = DemoDirectory.open(DemoOptions(directory=path))
    assert (again.state.shape.rows, again.state.filled) == (7, {"s1r1 otel.traces"})
    assert again.state.shape.anchor == first.state.shape.anchor
    assert again.password("admin") == secret
    assert again.password("oncall") != secret
    again.close()


def test_a_closed_directory_is_not_written_again(tmp_path: Path) -> None:
    directory = DemoDirectory.open(DemoOptions(directory=tmp_path))
    directory.close()
    directory.mark_filled("late")
    assert "late" not in (tmp_path / STATE).read_text()


def test_a_temporary_directory_goes_away() -> None:
    directory = DemoDirectory.open(DemoOptions())
    assert directory.path.exists()
    directory.close()
    assert not directory.path.exists()


@pytest.mark.parametrize("name", ["shards", "replicas", "rows", "seed", "days", "anchor"])
def test_a_demo_made_otherwise_is_refused(tmp_path: Path, name: str) -> None:
    DemoDirectory.open(DemoOptions(directory=tmp_path)).close()
    other: dict[str, object] = {name: date(2020, 1, 1) if name == "anchor" else 3}
    with pytest.raises(DemoError, match=f"made with {name}"):
        DemoDirectory.open(DemoOptions(directory=tmp_path, **other))  # type: ignore[arg-type]


def test_somebody_elses_directory_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DemoError, match="not empty and not a demo's"):
        DemoDirectory.open(DemoOptions(directory=tmp_path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DemoError, match="cannot be used"):
        DemoDirectory.open(DemoOptions(directory=tmp_path / "file"))


def test_what_a_kill_in_the_first_moment_leaves_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("")
    (tmp_path / f".{STATE}.abc").write_text("{")
    DemoDirectory.open(DemoOptions(directory=tmp_path)).close()


def test_a_second_demo_is_refused_by_name_of_the_first(tmp_path: Path) -> None:
    first = DemoDirectory.open(DemoOptions(directory=tmp_path))
    with pytest.raises(DemoError, match=f"another demo runs on this directory, pid {os.getpid()}"):
        DemoDirectory.open(DemoOptions(directory=tmp_path))
    first.close()


@pytest.mark.parametrize(
    "options",
    [
        DemoOptions(shards=0),
        DemoOptions(shards=5, replicas=4),
        DemoOptions(rows=-1),
        DemoOptions(seed=2**64),
        DemoOptions(seed=-1),
        DemoOptions(days=0),
        DemoOptions(days=100),
    ],
)
def test_what_cannot_be_built_is_refused_without_a_trace(tmp_path: Path, options: DemoOptions) -> None:
    from tests.support import replace

    with pytest.raises(DemoError):
        DemoDirectory.open(replace(options, directory=tmp_path))
    assert not (tmp_path / STATE).exists()


def test_a_lock_names_its_holder_and_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "node.lock"
    assert holder(path) is None
    process = hold(path)
    assert holder(path) == process.pid
    with pytest.raises(BlockingIOError):
        Held(path)
    process.kill()
    process.wait()
    assert holder(path) is None
    assert "Held" not in path.read_text()


def test_a_process_that_stays_is_killed_after_the_grace(tmp_path: Path) -> None:
    process = hold(tmp_path / "node.lock")
    start = time.monotonic()
    await_release(tmp_path / "node.lock", 0.3)
    assert process.wait() == -9
    assert 0.2 < time.monotonic() - start < 5
