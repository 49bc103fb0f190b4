"""The profile's keys that lead to the ensemble: read, checked, shown with where they came from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chtui.demo import render
from chtui.profile import Endpoint, Options, check_file, resolve
from chtui.profile.model import DDL_QUEUE_PATH, Profile
from tests.unit.test_demo_render import PLACES

HEAD = "version = 1\n[profile.p]\n"
GOOD = (
    HEAD
    + 'keeper = ["zk-1:2181", "[::1]:2181", "zk-1:2181"]\n'
    + 'keeper_root = "/ch"\n'
    + "keeper_admin_port = 8080\n"
    + 'ddl_queue_path = "/other/ddl"\n'
)


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_the_keys_are_read_and_shown_with_their_lines(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    found = resolve(Options(profile_name="p", config_file=path), {}, tmp_path)
    profile = found.profile
    assert profile.keeper == (Endpoint("zk-1", 2181), Endpoint("::1", 2181))
    assert (profile.keeper_root, profile.keeper_admin_port, profile.ddl_queue_path) == (
        "/ch",
        8080,
        "/other/ddl",
    )
    shown = {origin.key: (origin.value_shown, origin.origin) for origin in found.origins}
    assert shown["keeper"] == ("zk-1:2181, [::1]:2181", f"{path}:3")
    assert shown["keeper_root"] == ("/ch", f"{path}:4")
    assert shown["keeper_admin_port"] == ("8080", f"{path}:5")
    assert shown["ddl_queue_path"] == ("/other/ddl", f"{path}:6")


def test_without_the_keys_there_are_defaults(tmp_path: Path) -> None:
    found = resolve(Options(profile_name="p", config_file=written(tmp_path, HEAD)), {}, tmp_path)
    profile: Profile = found.profile
    assert (profile.keeper, profile.keeper_root, profile.keeper_admin_port) == ((), "", None)
    assert profile.ddl_queue_path == DDL_QUEUE_PATH
    shown = {origin.key: (origin.value_shown, origin.origin) for origin in found.origins}
    assert shown["keeper"] == ("- (the hosts are asked)", "default")
    assert shown["ddl_queue_path"] == (DDL_QUEUE_PATH, "default")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('keeper = "zk:2181"', "must be a list of strings"),
        ("keeper = []", "must be a list of one or more strings"),
        ('keeper = ["zk"]', "has no port"),
        ('keeper = ["zk:0"]', "is not a port"),
        ('keeper = ["zk:2181/chroot"]', "holds a path"),
        ('keeper = ["http://zk:2181"]', "says http://"),
        ('keeper = ["z\\u202ek:2181"]', "control or invisible character"),
        ('keeper_root = "ch"', "is no path of a znode"),
        ('keeper_root = "/"', "is no path of a znode"),
        ('keeper_root = "/ch/"', "is no path of a znode"),
        ('ddl_queue_path = "/a/../b"', "is no path of a znode"),
        ("keeper_admin_port = 0", "out of range"),
        ("keeper_admin_port = 8080.5", "must be a whole number"),
        ('zookeeper = ["zk:2181"]', "write keeper"),
    ],
)
def test_every_mistake_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    (problem,) = check_file(written(tmp_path, HEAD + line + "\n"), {}, tmp_path)
    assert said in problem.line
    assert problem.where.endswith(":3")


@pytest.mark.parametrize(("port", "expected"), [(0, ()), (2181, (Endpoint("127.0.0.1", 2181),))])
def test_the_demo_names_its_zookeeper(tmp_path: Path, port: int, expected: tuple[Endpoint, ...]) -> None:
    files = {user: tmp_path / f"{user}.password" for user in render.users()}
    for file in files.values():
        file.write_text("x")
        file.chmod(0o600)
    path = written(tmp_path, render.profiles_toml(PLACES, files, port))
    assert resolve(Options(profile_name="demo", config_file=path), {}, tmp_path).profile.keeper == expected


def test_what_is_dear_is_imported_when_it_is_needed() -> None:
    code = "import sys, chtui.monitor.keeper_watch; print(sorted({'kazoo', 'httpx', 'textual'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"
