"""Addresses kept between runs."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from chtui.fleet.cache import AddressCache

KEPT = {"b:9000": "b:8123", "a:9000": "a:8123"}


def only_file(directory: Path) -> Path:
    (found,) = directory.iterdir()
    return found


def test_what_is_saved_is_there_in_the_next_run(tmp_path: Path) -> None:
    first = AddressCache("profile", tmp_path)
    assert first.load() == {}
    first.save(KEPT)
    second = AddressCache("profile", tmp_path)
    assert second.load() == KEPT
    assert (first.problem, second.problem) == ("", "")
    assert AddressCache("another profile", tmp_path).load() == {}


def test_the_file_is_private_and_says_what_it_is(tmp_path: Path) -> None:
    AddressCache("profile", tmp_path).save(KEPT)
    path = only_file(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {"format": "chtui-addresses", "version": 1, "addresses": KEPT}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            '{"format": "chtui-addresses", "version": 2, "addresses": {"a:1": "a:2"}}',
            "another format or a newer version",
        ),
        (
            '{"format": "else", "version": 1, "addresses": {"a:1": "a:2"}}',
            "another format or a newer version",
        ),
        ("[1]", "another format or a newer version"),
        ("{half", "cannot be read: JSONDecodeError"),
        ("\udcff", "cannot be read: UnicodeDecodeError"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_not_used(tmp_path: Path, content: str, problem: str) -> None:
    AddressCache("profile", tmp_path).save(KEPT)
    path = only_file(tmp_path)
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    cache = AddressCache("profile", tmp_path)
    assert cache.load() == {}
    assert problem in cache.problem
    assert str(path) in cache.problem


def test_a_file_without_addresses_gives_none(tmp_path: Path) -> None:
    AddressCache("profile", tmp_path).save(KEPT)
    only_file(tmp_path).write_text('{"format": "chtui-addresses", "version": 1, "addresses": [1]}')
    assert AddressCache("profile", tmp_path).load() == {}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = AddressCache("profile", tmp_path / "file")
    cache.save(KEPT)
    assert "cannot be written: " in cache.problem


def test_a_state_folder_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    cache = AddressCache("profile")
    assert cache.load() == {}
    cache.save(KEPT)
    assert cache.problem != ""
