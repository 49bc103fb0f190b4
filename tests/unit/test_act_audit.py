"""The audit log: what is in it, who may read it, and when it refuses."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from chtui.act.audit import FILE_NAME, Audit, AuditError, who
from tests.unit.hand import HOSTILE, HandClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "audit"


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / FILE_NAME).read_text().splitlines()]


def test_the_first_line_is_format_and_version_and_lines_are_only_added(folder: Path) -> None:
    audit = Audit(HandClock(), folder)
    audit.write("send", {"statement": "S 1"})
    before = (folder / FILE_NAME).read_bytes()
    Audit(HandClock(), folder).write("done", {"statement": "S 1"})
    assert (folder / FILE_NAME).read_bytes().startswith(before)
    header, first, second = lines(folder)
    assert header == {"format": "chtui-audit", "version": 1}
    assert (first["at"], first["event"], first["statement"]) == ("2026-03-04T05:06:07.089Z", "send", "S 1")
    assert second["event"] == "done"


def test_only_its_user_may_read_it(folder: Path) -> None:
    os.umask(os.umask(0))
    Audit(HandClock(), folder).write("send", {})
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / FILE_NAME)]
    assert modes == [0o700, 0o600]
    (folder / FILE_NAME).chmod(0o644)
    Audit(HandClock(), folder).write("send", {})
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600


def test_without_a_folder_it_is_the_state_directorys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    Audit(HandClock()).write("send", {})
    assert [path.name for path in tmp_path.rglob(FILE_NAME)] == [FILE_NAME]
    assert next(tmp_path.rglob(FILE_NAME)).parent.name == "audit"


def test_who_sits_here(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("SSH_CLIENT", "SSH_CONNECTION", "SUDO_USER"):
        monkeypatch.delenv(name, raising=False)
    assert list(who()) == ["os_user"]
    monkeypatch.setenv("SSH_CLIENT", "203.0.113.7 50100 22")
    monkeypatch.setenv("SUDO_USER", "anna\x1b[31m")
    monkeypatch.setenv("USER", "somebody else")
    found = who()
    assert found["ssh_client"] == "203.0.113.7"
    assert found["sudo_user"] == "anna?[31m"
    assert found["os_user"] not in ("", "somebody else")
    Audit(HandClock(), folder).write("send", {})
    assert lines(folder)[1]["who"] == found


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_one_escaped_line_and_comes_back(folder: Path, name: str) -> None:
    Audit(HandClock(), folder).write("send", {"statement": name})
    raw = (folder / FILE_NAME).read_bytes()
    assert raw.count(b"\n") == 2
    assert all(32 <= byte < 127 for byte in raw.replace(b"\n", b""))
    assert lines(folder)[1]["statement"] == name


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ('{"format": "chtui-audit", "version": 2}', "the audit log is of the newer version 2"),
        ('{"format": "other", "version": 1}', "this is no audit log of chtui"),
        ('{"format": "chtui-audit", "version": true}', "this is no audit log of chtui"),
        ('{"format": "chtui-audit", "version": 0}', "this is no audit log of chtui"),
        ("[1]", "this is no audit log of chtui"),
        ("words", "this is no audit log of chtui"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(folder: Path, header: str, what: str) -> None:
    folder.mkdir(parents=True)
    (folder / FILE_NAME).write_text(header + "\n")
    with pytest.raises(AuditError) as refused:
        Audit(HandClock(), folder).write("send", {})
    assert refused.value.what == what
    assert refused.value.where == str(folder / FILE_NAME)
    assert (folder / FILE_NAME).read_text() == header + "\n"


def test_a_line_that_was_never_finished_does_not_spoil_the_next(folder: Path) -> None:
    audit = Audit(HandClock(), folder)
    audit.write("send", {})
    with (folder / FILE_NAME).open("a") as stream:
        stream.write('{"at": "2026')
    audit.write("done", {})
    *_, torn, last = (folder / FILE_NAME).read_text().splitlines()
    assert torn == '{"at": "2026'
    assert json.loads(last)["event"] == "done"


def test_what_cannot_be_written_is_an_error(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(AuditError, match="the audit log cannot be written: File exists"):
        Audit(HandClock(), file / "audit").write("send", {})
    folder.mkdir(parents=True)
    (folder / FILE_NAME).symlink_to(file)
    with pytest.raises(AuditError, match="cannot be written"):
        Audit(HandClock(), folder).write("send", {})
    assert file.read_text() == ""
    (folder / FILE_NAME).unlink()
    (folder / FILE_NAME).mkdir()
    with pytest.raises(AuditError, match="Is a directory"):
        Audit(HandClock(), folder).write("send", {})


def test_a_disk_that_is_full_is_an_error_and_room_again_heals_it(folder: Path) -> None:
    audit = Audit(HandClock(), folder)
    audit.write("send", {})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((folder / FILE_NAME).stat().st_size + 10, before[1]))
    try:
        with pytest.raises(AuditError, match="the audit log cannot be written: File too large"):
            audit.write("send", {"statement": "never"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    audit.write("done", {})
    assert json.loads((folder / FILE_NAME).read_text().splitlines()[-1])["event"] == "done"


def test_a_file_held_by_another_process_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chtui.act.audit.LOCK_SECONDS", 0.05)
    audit = Audit(HandClock(), folder)
    audit.write("send", {})
    with (folder / FILE_NAME).open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(AuditError, match="held by another process"):
            audit.write("send", {})
    audit.write("send", {})
    assert len(lines(folder)) == 3


def test_many_writers_write_whole_lines(folder: Path) -> None:
    audits = [Audit(HandClock(), folder) for _ in range(8)]

    def write(audit: Audit) -> None:
        for number in range(10):
            audit.write("send", {"number": number, "padding": "x" * 3000})

    threads = [threading.Thread(target=write, args=(audit,)) for audit in audits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = lines(folder)
    assert len(found) == 81
    assert sum("format" in line for line in found) == 1
