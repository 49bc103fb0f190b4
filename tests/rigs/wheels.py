"""Engines of other ClickHouse versions out of their wheels, each in a folder of its own: `python -m tests.rigs.wheels` installs them.

All of them are the module `chdb`, so they cannot share an environment; none is imported here.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.rigs.processes import RigError

CACHE = Path(sys.prefix) / "engines"
"""In the virtual environment: it goes when that goes, and stays outside the repository's files."""
ROOM_BYTES = 1_500_000_000
"""A wheel and what it unpacks to, of the largest."""


@dataclass(frozen=True)
class Wheel:
    """One version of the engine and the wheel it comes in."""

    release: str
    """ClickHouse's own, as `24.8`."""
    requirement: str
    """What pip is asked for; empty for the engine the project itself depends on."""

    @property
    def folder(self) -> Path:
        """Where it is or will be installed, for this interpreter: older wheels fit one Python version only."""
        tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
        return CACHE / f"{self.requirement.replace('==', '-')}-{tag}"

    @property
    def module_folder(self) -> Path:
        """The folder that holds the native module `_chdb`.

        Raises:
            RigError: it is not installed.
        """
        if self.requirement:
            found = self.folder / "chdb"
        else:
            spec = importlib.util.find_spec("chdb")
            places = spec.submodule_search_locations if spec else None
            found = Path(next(iter(places or ()), os.devnull))
        if not list(found.glob("_chdb.*")):
            raise RigError(f"ClickHouse {self.release} is not in {found}: run `python -m tests.rigs.wheels`")
        return found


WHEELS = (
    Wheel("24.8", "chdb==2.1.1"),
    Wheel("25.8", "chdb==3.7.2"),
    Wheel("26.1", "chdb-core==26.1.0"),
    Wheel("26.9", ""),
)


def install(wheel: Wheel) -> bool:
    """Install a wheel where it is missing; whether it was.

    Raises:
        RigError: there is no room for it, or pip cannot have it.
    """
    if not wheel.requirement or wheel.folder.is_dir():
        return False
    CACHE.mkdir(parents=True, exist_ok=True)
    with _locked(CACHE / "lock"):
        if wheel.folder.is_dir():
            return False  # by another process, meanwhile
        if (free := shutil.disk_usage(CACHE).free) < ROOM_BYTES:
            raise RigError(f"{wheel.requirement} needs {ROOM_BYTES:,} bytes in {CACHE}, {free:,} are free")
        # Renamed once whole: a folder of that name is never half an engine.
        with tempfile.TemporaryDirectory(prefix="unfinished-", dir=CACHE) as unfinished:
            target = Path(unfinished) / "target"
            _pip("install", "--no-deps", "--no-compile", "--target", str(target), wheel.requirement)
            if not list((target / "chdb").glob("_chdb.*")):
                raise RigError(f"{wheel.requirement} holds no engine for this platform")
            target.rename(wheel.folder)
    return True


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RigError(f"{' '.join(command)} ended with {done.returncode}\n{done.stderr.strip()}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock file, which goes with the process; waits for who holds it."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Install what is missing; the exit code."""
    try:
        for wheel in WHEELS:
            if install(wheel):
                print(f"ClickHouse {wheel.release}: {wheel.folder}", flush=True)
            _ = wheel.module_folder
    except RigError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
