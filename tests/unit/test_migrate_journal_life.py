"""The journal of a run while it is written: by one process, killed or stopped at any moment, onto a disk that may be full."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chtui.errors import MigrateError
from chtui.migrate.journal import LOCK_NAME, Journal, read
from chtui.migrate.journal_lines import line
from tests.unit.hand import HandClock
from tests.unit.journals import PLAN, begun, opened, refusal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "migrate" / "otel_v2"


APPENDER = """
import sys
from pathlib import Path
from chtui.clock import SystemClock
from chtui.migrate.journal import Journal
journal = Journal.{how}("otel_v2", "{plan}", SystemClock(), directory=Path(sys.argv[1]))
print("held", flush=True)
for line in sys.stdin if {waits} else iter(int, 1):
    print(journal.append("x", {{"filler": "words" * 200}}), flush=True)
"""


def appender(folder: Path, how: str, *, waits: bool = False) -> subprocess.Popen[str]:
    """Another process that holds the journal and appends without end, or a line for every line it is sent."""
    code = APPENDER.format(how=how, plan=PLAN, waits=waits)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_with_the_pid_of_the_first(folder: Path) -> None:
    first = appender(folder, "create", waits=True)
    try:
        for call in (lambda: opened(folder), lambda: opened(folder, None)):
            refused = refusal(call)
            assert refused.what == f"the journal is held by process {first.pid}"
            assert refused.exit_code == 4
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdin.write("\n")
        first.stdin.flush()
        assert first.stdout.readline() == "1\n"
        # Reading alone needs no lock.
        assert [event.kind for event in read("otel_v2", directory=folder)[1]] == ["x"]
    finally:
        first.kill()
        first.communicate()
    with opened(folder) as journal:
        assert journal.seq == 1
        assert refusal(lambda: opened(folder)).what == f"the journal is held by process {os.getpid()}"
    opened(folder).close()


@pytest.mark.parametrize("lines", [1, 7, 40])
def test_what_was_acknowledged_outlives_the_kill_of_its_writer(folder: Path, lines: int) -> None:
    acknowledged, kills = 0, 3
    for number in range(kills):
        process = appender(folder, "open" if number else "create")
        assert process.stdout is not None
        for _ in range(lines):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        # Not communicate(): it knows nothing of the lines that were read ahead.
        rest = process.stdout.read()
        process.communicate()
        acknowledged = max(acknowledged, *(int(text) for text in rest.split("\n")[:-1]), 0)
        with opened(folder) as journal:
            assert acknowledged <= journal.seq <= acknowledged + 1
            assert [event.seq for event in journal.events()] == list(range(1, journal.seq + 1))
            acknowledged = journal.seq
    assert acknowledged >= lines * kills


def test_threads_append_side_by_side_while_others_read(folder: Path) -> None:
    with Journal.create("otel_v2", PLAN, HandClock(), directory=folder) as journal:
        numbers: list[int] = []

        def append() -> None:
            for _ in range(25):
                numbers.append(journal.append("x", {"thread": threading.get_ident()}))

        threads = [threading.Thread(target=append) for _ in range(4)]
        for thread in threads:
            thread.start()
        seen = 0
        while any(thread.is_alive() for thread in threads):
            found = [event.seq for event in journal.events()]
            assert found == list(range(1, len(found) + 1))
            assert len(found) >= seen
            seen = len(found)
        assert sorted(numbers) == list(range(1, 101))
        assert len(list(journal.events())) == 100


@pytest.mark.parametrize("room_bytes", [0, 1, 60])
def test_a_full_disk_is_an_error_and_the_torn_line_is_repaired_at_the_next_opening(
    folder: Path, room_bytes: int
) -> None:
    with Journal.create("otel_v2", PLAN, HandClock(), directory=folder) as journal:
        journal.append("one", {})
        whole = journal.path.read_bytes()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + room_bytes, before[1]))
        try:
            refused = refusal(lambda: journal.append("two", {"text": "never"}))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert refused.what == "the journal cannot be written: File too large"
        assert refused.exit_code == 1
        assert refusal(lambda: journal.append("three", {})).what == refused.what
        assert [event.kind for event in journal.events()] == ["one"]
        assert len(journal.path.read_bytes()) == len(whole) + room_bytes
    with opened(folder) as journal:
        assert bool(journal.notice) is bool(room_bytes)
        assert journal.path.read_bytes() == whole
        assert journal.append("two", {}) == 2


def test_without_room_no_journal_is_begun(folder: Path) -> None:
    folder.mkdir(parents=True)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, before[1]))
    try:
        refused = refusal(lambda: Journal.create("otel_v2", PLAN, HandClock(), directory=folder))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refused.what == "the journal cannot be written: File too large"
    assert [path.name for path in folder.iterdir()] == [LOCK_NAME]
    begun(folder)


def test_a_file_that_somebody_moved_or_changed_is_not_added_to(folder: Path) -> None:
    def removed(path: Path) -> None:
        shutil.rmtree(path.parent)

    def replaced(path: Path) -> None:
        shutil.copy(path, path.with_name("copy"))
        path.with_name("copy").rename(path)

    def longer(path: Path) -> None:
        with path.open("ab") as stream:
            stream.write(b"x")

    for change, why in (
        (removed, "No such file or directory"),
        (replaced, "somebody else moved or changed it"),
        (longer, "somebody else moved or changed it"),
        (lambda path: os.truncate(path, 30), "somebody else moved or changed it"),
    ):
        with Journal.create("otel_v2", PLAN, HandClock(), directory=folder) as journal:
            journal.append("one", {})
            change(journal.path)
            assert refusal(lambda journal=journal: journal.append("two", {})).what == (  # type: ignore[misc]
                f"the journal cannot be written: {why}"
            )
        shutil.rmtree(folder, ignore_errors=True)


def test_an_interrupted_line_stops_the_journal_until_it_is_opened_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal.create("otel_v2", PLAN, HandClock(), directory=folder) as journal:

        def interrupted(handle: int) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("chtui.migrate.journal.os.fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.append("one", {})
        monkeypatch.undo()
        assert refusal(lambda: journal.append("two", {})).what == (
            "the journal cannot be written: an earlier line was cut short"
        )
        assert list(journal.events()) == []
    with opened(folder) as journal:
        assert [event.kind for event in journal.events()] == ["one"]
    assert refusal(lambda: journal.append("two", {})).what == "the journal cannot be written: it is closed"


def test_whoever_reads_is_told_when_lines_went(folder: Path) -> None:
    with Journal.create("otel_v2", PLAN, HandClock(), directory=folder) as journal:
        journal.append("one", {})
        first = journal.path.stat().st_size
        journal.append("two", {})
        os.truncate(journal.path, first)
        with pytest.raises(MigrateError, match=f"lost lines after {first} bytes"):
            list(journal.events())


def test_a_long_journal_is_opened_and_read_quickly(folder: Path) -> None:
    path = begun(folder)
    with path.open("ab") as stream:
        for seq in range(1, 20_001):
            facts = {"chunk": f"traces-{seq}", "digest": "1" * 20, "rows": seq}
            stream.write(line({"seq": seq, "at": "2026-03-04T05:06:07.089Z", "kind": "sealed", **facts}))
    with opened(folder) as journal:
        assert journal.append("last", {}) == 20_001
        assert sum(1 for _ in journal.events()) == 20_001
