"""What all tests share: a clean environment, where snapshots live, the rigs."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Before anything imports Textual: it reads these once, and so does what draws snapshots.
UNWANTED = ("NO_COLOR", "COLORTERM", "COLUMNS", "LINES", "http_proxy", "https_proxy")
for name in list(os.environ):
    if name.startswith(("TEXTUAL", "CLICKHOUSE_")) or name in UNWANTED:
        del os.environ[name]
os.environ.update(TZ="UTC", TEXTUAL_ANIMATIONS="none", TERM="xterm-256color")
HOME = tempfile.mkdtemp(prefix="chtui-tests-home-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ.update(
    HOME=HOME,
    XDG_CONFIG_HOME=f"{HOME}/.config",
    XDG_STATE_HOME=f"{HOME}/.state",
    XDG_RUNTIME_DIR=f"{HOME}/.run",
)

import pytest
import pytest_textual_snapshot as pts

from chtui.session import Session
from tests.support import ModernRig, demo_rig, server_rig

ROOT = Path(__file__).resolve().parent.parent
TEST_BINARY = os.environ.get("CHTUI_TEST_CLICKHOUSE", "")

pytest_plugins = ["tests.rigs.fixtures"]


class SvgInTopFolder(pts.SVGImageExtension):  # type: ignore[misc]
    """Snapshots in the folder `snapshots/` at the top, one folder a test module."""

    @classmethod
    def dirname(cls, *, test_location: object) -> str:
        """Return the folder of a test's snapshots."""
        return str(ROOT / "snapshots" / Path(test_location.filepath).stem)  # type: ignore[attr-defined]


pts.SVGImageExtension = SvgInTopFolder


@pytest.fixture
def modern(tmp_path_factory: pytest.TempPathFactory) -> ModernRig:
    """The 2x2 cluster of the newest ClickHouse, up and whole: embedded 26.9, or the binary CHTUI_TEST_CLICKHOUSE names."""
    from tests.rigs.fixtures import exclusive

    directory = tmp_path_factory.mktemp("modern")
    starter = server_rig if TEST_BINARY else demo_rig
    rig = exclusive("modern", lambda: starter(directory))
    rig.heal()
    return rig


@pytest.fixture
def sessions() -> Iterator[list[Session]]:
    """Sessions put in here are stopped at the end."""
    started: list[Session] = []
    yield started
    for session in started:
        session.stop()
