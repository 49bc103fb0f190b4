"""The journal of a run: what is in it, that it is on disk, and what a file that was cut, changed or taken is told from."""

from __future__ import annotations

import io
import json
import os
import random
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from chtui.errors import MigrateError
from chtui.migrate.journal import FILE_NAME, LOCK_NAME, Journal, directory_of, read, set_aside
from chtui.migrate.journal_lines import Lines, line
from tests.unit.hand import HOSTILE, NOW, HandClock
from tests.unit.journals import PLAN, begun, opened, refusal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "migrate" / "otel_v2"


def test_the_first_line_names_run_and_plan_and_events_come_back_in_order(folder: Path) -> None:
    clock = HandClock()
    facts = {"chunk": "traces-202601-0", "rows": 3, "digest": str(2**64 - 1), "parts": ["a", {"b": None}]}
    with Journal.create("otel_v2", PLAN, clock, directory=folder) as journal:
        assert (journal.header.run, journal.header.plan_hash, journal.header.created_at) == (
            "otel_v2", PLAN, NOW.replace(microsecond=89_000),
        )  # fmt: skip
        assert (journal.seq, list(journal.events()), journal.notice) == (0, [], "")
        assert journal.append("staging", facts) == 1
        clock.seconds += 1.5
        assert journal.append("staged", {}) == 2
        first, second = journal.events()
    assert (first.seq, first.kind, second.seq, second.kind) == (1, "staging", 2, "staged")
    assert (second.at - first.at).total_seconds() == 1.5
    assert first.facts == {**facts, "parts": ("a", {"b": None})}
    head, one, _ = [json.loads(text) for text in (folder / FILE_NAME).read_text().splitlines()]
    assert (head["format"], head["version"]) == ("chtui migration journal", 1)
    assert list(one) == ["seq", "at", "kind", *facts, "checksum"]
    assert one["at"] == "2026-03-04T05:06:07.089Z"
    with opened(folder) as again:
        assert list(again.events()) == [first, second]
        assert again.append("publishing", {}) == 3
        assert [event.seq for event in again.events()] == [1, 2, 3]


def test_facts_cannot_be_changed(folder: Path) -> None:
    given: Mapping[str, Any] = MappingProxyType({"rows": 1, "deep": MappingProxyType({"list": (1, 2)})})
    with Journal.create("otel_v2", PLAN, HandClock(), directory=folder) as journal:
        journal.append("x", given)
        (event,) = journal.events()
    assert event.facts == given
    for mapping in (event.facts, event.facts["deep"]):
        assert isinstance(mapping, MappingProxyType)
    assert event.facts["deep"]["list"] == (1, 2)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_one_line_of_ascii_and_comes_back(folder: Path, name: str) -> None:
    path = begun(folder, "x", **{name: [name]})
    raw = path.read_bytes()
    assert raw.count(b"\n") == 2
    assert all(32 <= byte < 127 for byte in raw.replace(b"\n", b""))
    with opened(folder) as journal:
        assert [event.facts for event in journal.events()] == [{name: (name,)}]


@pytest.mark.parametrize(
    "facts",
    [
        {"hash": 2**53},
        {"hash": -(2**53)},
        {"ratio": float("nan")},
        {"at": "now"},
        {"seq": 7},
        {"when": NOW},
        {"deep": {1: 2}},
        {"blob": b"x"},
        {"long": "x" * (16 * 1024 * 1024)},
    ],
)
def test_what_json_does_not_hold_exactly_is_refused_and_nothing_is_written(
    folder: Path, facts: dict[str, Any]
) -> None:
    with Journal.create("otel_v2", PLAN, HandClock(), directory=folder) as journal:
        before = (folder / FILE_NAME).read_bytes()
        with pytest.raises(ValueError, match=r"."):
            journal.append("x", facts)
        with pytest.raises(ValueError, match="an event has a kind"):
            journal.append("", {})
        assert (folder / FILE_NAME).read_bytes() == before
        assert journal.append("x", {"hash": 2**53 - 1}) == 1


def test_only_its_user_may_read_it(folder: Path) -> None:
    path = begun(folder)
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (folder, path, folder / LOCK_NAME)]
    assert modes == [0o700, 0o600, 0o600]
    path.chmod(0o644)
    opened(folder).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in folder.iterdir()) == [FILE_NAME, LOCK_NAME]


def test_without_a_folder_it_is_the_state_directorys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    refused = refusal(lambda: Journal.open("otel_v2", PLAN, HandClock()))
    assert refused.what == "there is no journal of run otel_v2"
    assert not directory_of("otel_v2").exists()
    Journal.create("otel_v2", PLAN, HandClock()).close()
    assert directory_of("otel_v2") == tmp_path / "chtui" / "migrate" / "otel_v2"
    assert read("otel_v2")[0].plan_hash == PLAN


@pytest.mark.parametrize("run", ["", "../x", "a/b", "A", "-x", "x" * 49, "x\n", "ключ", "."])
def test_a_run_whose_name_cannot_be_one_of_a_file_and_a_table_is_refused(tmp_path: Path, run: str) -> None:
    assert "a run cannot be called" in refusal(lambda: Journal.create(run, PLAN, HandClock())).what
    assert "a run cannot be called" in refusal(lambda: directory_of(run)).what
    with pytest.raises(MigrateError, match="a run cannot be called"):
        Journal.create(run, PLAN, HandClock(), directory=tmp_path / "x")
    assert not (tmp_path / "x" / FILE_NAME).exists()


def test_a_file_cut_at_any_byte_gives_the_whole_events_before_the_cut(folder: Path) -> None:
    path = begun(folder, *(f"kind_{number}" for number in range(4)), text="ключ")
    whole = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == 10]
    other = folder.with_name("cut")
    other.mkdir()
    for cut in range(len(whole) + 1):
        (other / FILE_NAME).write_bytes(whole[:cut])
        if cut < ends[0]:
            refused = refusal(lambda: opened(other))
            assert refused.what in (
                "this is no journal of a migration",
                "the first line of the journal is damaged",
            )
            assert (other / FILE_NAME).read_bytes() == whole[:cut]
            continue
        expected = sum(end <= cut for end in ends[1:])
        assert [event.seq for event in read("otel_v2", directory=other)[1]] == list(range(1, expected + 1))
        assert (other / FILE_NAME).read_bytes() == whole[:cut]
        with opened(other) as journal:
            assert [event.kind for event in journal.events()] == [f"kind_{n}" for n in range(expected)]
            torn = cut - max(end for end in ends if end <= cut)
            assert bool(journal.notice) is bool(torn)
            if torn:
                assert f"{torn} bytes after event {expected} were cut off" in journal.notice
            if cut % 8:
                continue
            assert journal.append("after", {}) == expected + 1
        with opened(other) as journal:
            assert journal.notice == ""
            assert [event.kind for event in journal.events()][expected:] == ["after"]


class Moving(io.BytesIO):
    """A file somebody writes to: a line is read in part once, and whole when it is read again."""

    def __init__(self, before: bytes, after: bytes) -> None:
        super().__init__(before)
        self._after = after

    def readline(self, size: int | None = -1, /) -> bytes:
        content = super().readline(-1 if size is None else size)
        if content and not content.endswith(b"\n") and self._after:
            at = self.tell()
            self.seek(0)
            self.truncate()
            self.write(self._after)
            self._after = b""
            self.seek(at)
        return content


@pytest.mark.parametrize("torn", ["first half", "another line's"])
def test_a_line_that_is_written_while_it_is_read_is_read_again(folder: Path, torn: str) -> None:
    with Journal.create("otel_v2", PLAN, HandClock(), directory=folder) as journal:
        for number in range(4):
            journal.append("done", {"number": number})
    content = (folder / FILE_NAME).read_bytes()
    whole = b"".join(content.splitlines(keepends=True)[:3])
    half = content[len(whole) :][:40] if torn == "first half" else b'{"seq":3,"at":"2026-01-01T00:00:0'
    lines = Lines(Moving(whole + half, content), folder / FILE_NAME)
    lines.header()
    assert [event.facts["number"] for event in lines.events()] == [0, 1, 2, 3]
    assert (lines.whole_bytes, lines.torn_bytes) == (len(content), 0)


def test_any_changed_byte_is_told_from_a_torn_line(folder: Path) -> None:
    path = begun(folder, "one", "two", "three", rows=12)
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, len(whole) - 1) + 1
    chosen = random.Random(7)
    for index in range(len(whole)):
        changed = bytearray(whole)
        changed[index] ^= 1 << chosen.randrange(8)
        path.write_bytes(changed)
        if index < last:
            refused = refusal(lambda: opened(folder))
            assert refused.exit_code == 2
            assert path.read_bytes() == bytes(changed)
        else:
            with opened(folder) as journal:
                assert [event.kind for event in journal.events()] == ["one", "two"]
                assert journal.notice


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda lines: [lines[0], *lines[2:]], "line 2 of the journal has event 2 where event 1 should be"),
        (lambda lines: [*lines[:2], lines[3]], "line 3 of the journal has event 3 where event 2 should be"),
        (lambda lines: [*lines, lines[1]], "line 5 of the journal has event 1 where event 4 should be"),
        (lambda lines: [*lines[:2], lines[3], lines[2]], "line 3 of the journal has event 3"),
        (lambda lines: [*lines[:2], b"\n", *lines[2:]], "line 3 of the journal is damaged"),
        (lambda lines: [*lines[:2], lines[2][:9] + b"\n", lines[3]], "line 3 of the journal is damaged"),
        (lambda lines: [*lines[:2], b"[" * 100_000 + b"\n", lines[3]], "line 3 of the journal is damaged"),
        (lambda lines: [line({"seq": 1}), *lines], "this is no journal of a migration"),
        (lambda lines: lines[1:], "this is no journal of a migration"),
        (lambda _: [b"\x00" * 4096], "this is no journal of a migration"),
        (lambda _: [], "this is no journal of a migration"),
    ],
)
def test_a_file_edited_by_hand_is_refused_and_left_as_it_is(
    folder: Path, change: Callable[[list[bytes]], list[bytes]], what: str
) -> None:
    path = begun(folder, "one", "two", "three")
    content = b"".join(change(path.read_bytes().splitlines(keepends=True)))
    path.write_bytes(content)
    refused = refusal(lambda: opened(folder))
    assert refused.what.startswith(what)
    assert refused.where == str(path)
    assert "--rebuild" in refused.fix
    assert path.read_bytes() == content
    with pytest.raises(MigrateError, match=what):
        list(read("otel_v2", directory=folder)[1])


def test_another_plan_run_or_version_is_refused_and_nothing_repaired(folder: Path) -> None:
    path = begun(folder, "one")
    with path.open("ab") as stream:
        stream.write(b'{"torn')
    before = path.read_bytes()
    assert refusal(lambda: opened(folder, "77" * 32)).what == (
        "the journal is of plan 5e0d5e0d5e0d5..., not 7777777777777..."
    )
    assert refusal(lambda: opened(folder, run="other")).what == "the journal is of run otel_v2, not other"
    assert path.read_bytes() == before
    with opened(folder, None) as journal:
        assert journal.header.plan_hash == PLAN
    path.write_bytes(line({"format": "chtui migration journal", "version": 2, "new": True}))
    refused = refusal(lambda: opened(folder))
    assert refused.what == "the journal is of the newer version 2"
    assert refused.fix == "use the chtui that wrote it"
    for version in (True, "1", None):
        path.write_bytes(line({"format": "chtui migration journal", "version": version}))
        assert refusal(lambda: opened(folder)).what == "this is no journal of a migration"


def test_a_run_has_one_journal_until_it_is_set_aside(folder: Path) -> None:
    path = begun(folder, "one")
    before = path.read_bytes()
    refused = refusal(lambda: Journal.create("otel_v2", PLAN, HandClock(), directory=folder))
    assert refused.what == "run otel_v2 has a journal already"
    assert path.read_bytes() == before
    other = set_aside("otel_v2", HandClock(), directory=folder)
    assert other.read_bytes() == before
    assert refusal(lambda: set_aside("otel_v2", HandClock(), directory=folder)).what.startswith("there is no")
    with Journal.create("otel_v2", PLAN, HandClock(), directory=folder) as journal:
        assert journal.seq == 0
        refused = refusal(lambda: set_aside("otel_v2", HandClock(), directory=folder))
        assert refused.exit_code == 4


def test_a_file_that_cannot_be_one_is_refused(folder: Path, tmp_path: Path) -> None:
    path = begun(folder, "one")
    target = tmp_path / "target"
    path.rename(target)
    path.symlink_to(target)
    assert "cannot be read" in refusal(lambda: opened(folder)).what
    path.unlink()
    path.mkdir()
    assert "cannot be read: Is a directory" in refusal(lambda: opened(folder)).what
    path.rmdir()
    os.mkfifo(path)
    assert refusal(lambda: opened(folder)).what == "the journal is no regular file"
    file = tmp_path / "file"
    file.write_text("")
    refused = refusal(lambda: Journal.create("otel_v2", PLAN, HandClock(), directory=file / "x"))
    assert refused.what == "the journal cannot be written: File exists"
