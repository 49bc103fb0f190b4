"""Private folders and files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from chtui import paths


@pytest.fixture(autouse=True)
def lax_umask() -> Iterator[None]:
    """A umask that hides nothing."""
    before = os.umask(0o000)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_folder_and_the_parents_made_for_it_are_the_users_own(tmp_path: Path) -> None:
    made = paths.private_dir(tmp_path / "a" / "b" / "c")
    assert made == tmp_path / "a" / "b" / "c"
    assert [mode(path) for path in (made, made.parent, made.parent.parent)] == [0o700, 0o700, 0o700]


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir(mode=0o755)
    paths.private_dir(tmp_path / "shared")
    assert mode(tmp_path / "shared") == 0o755


def test_a_private_file_is_the_users_own(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file"
    paths.write_private(target, "tëxt\n")
    assert target.read_bytes() == "tëxt\n".encode()
    assert mode(target) == 0o600
    assert mode(target.parent) == 0o700


def test_a_lax_file_becomes_private_when_it_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    target.chmod(0o666)
    paths.write_private(target, "new")
    assert (target.read_text(), mode(target)) == ("new", 0o600)


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    target = tmp_path / "file"
    paths.write_private(target, "old")
    with pytest.raises(UnicodeEncodeError):
        paths.write_private(target, "new \ud800")
    assert target.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_target_that_cannot_be_replaced_leaves_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        paths.write_private(tmp_path / "folder", "text")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_a_reader_keeps_the_file_it_opened(tmp_path: Path) -> None:
    target = tmp_path / "file"
    paths.write_private(target, "old")
    with target.open() as reading:
        paths.write_private(target, "new")
        assert reading.read() == "old"
    assert target.read_text() == "new"


def test_files_live_where_the_platform_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, folder in (("CONFIG_HOME", "config"), ("STATE_HOME", "state"), ("RUNTIME_DIR", "run")):
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path / folder))
    assert paths.config_file() == tmp_path / "config" / "chtui" / "config.toml"
    assert paths.state_dir("migrate", "run1") == tmp_path / "state" / "chtui" / "migrate" / "run1"
    assert paths.runtime_dir() == tmp_path / "run" / "chtui"
    assert mode(tmp_path / "state" / "chtui" / "migrate" / "run1") == 0o700
    assert mode(tmp_path / "run" / "chtui") == 0o700
    assert not (tmp_path / "config").exists()
