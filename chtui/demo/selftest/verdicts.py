"""What became of cases, and the file that holds it: a line of JSON a case."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from chtui.errors import UsageError

T = TypeVar("T")
EXACT, FAILED = "exact", "failed"
LARGEST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Verdict:
    """One line of the results."""

    case: str
    """The rig's name and the case's, as `modern/killed/wizard/copy/sent`."""
    rig: str
    version: str
    """The servers'."""
    group: str
    stage: str
    kind: str
    point: str
    victim: str
    is_hung: bool
    struck: int
    """How many blows struck."""
    seconds: float
    """From the first start of the run to its end, everything brought back."""
    starts: int
    missing: int
    extra: int
    aggregates: int
    left_over: int
    manual_steps: int
    """Ends of the run by itself, other than with success: somebody would have to start it again."""
    verdict: str
    detail: str = ""
    """What was wrong; empty where nothing was."""


class Results:
    """Verdicts, kept in a file where one is named."""

    def __init__(self, path: Path | None, *, resumes: bool = False) -> None:
        """Open the file; with `resumes` what it has is read, without it must have nothing.

        Raises:
            UsageError: it has something, holds something else, or cannot be used.
        """
        self.verdicts: list[Verdict] = []
        self._path = path
        if path is None:
            if resumes:
                raise UsageError("there is nothing to go on with", fix="name the file with --results")
            return
        if resumes and path.exists():
            self.verdicts = read(path)
            _using(path, lambda: _without_torn_line(path))
        # Found out now: a file that cannot be written must not cost the first case.
        if _using(path, lambda: _size(path)) and not resumes:
            raise UsageError(
                "this file has results already",
                where=str(path),
                fix="--resume goes on with them, --results names another file",
            )

    def add(self, verdict: Verdict) -> None:
        """Take a verdict, and write it down.

        Raises:
            UsageError: the file cannot be written.
        """
        self.verdicts.append(verdict)
        path = self._path
        if path is not None:
            _using(path, lambda: _append(path, json.dumps(asdict(verdict)) + "\n"))


def read(path: Path) -> list[Verdict]:
    """Return the verdicts of a file; a last line that is not whole is left out: its case was not done.

    Raises:
        UsageError: it cannot be read, or holds something else.
    """

    def text() -> str:
        if path.stat().st_size > LARGEST_BYTES:
            raise OSError(0, "too large for results")
        return path.read_text(encoding="utf-8", errors="replace")

    lines = _using(path, text).split("\n")[:-1]
    return [_verdict(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]


def _verdict(line: str, where: str) -> Verdict:
    try:
        told: Any = json.loads(line)
        found = Verdict(**told)
        for field in fields(Verdict):
            value = getattr(found, field.name)
            kinds = (int, float) if field.type == "float" else type(getattr(SAMPLE, field.name))
            if not isinstance(value, kinds):
                raise TypeError(field.name)
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError("this is no verdict of a case", where=where, fix="name another file") from error
    return found


SAMPLE = Verdict("", "", "", "", "", "", "", "", False, 0, 0.0, 0, 0, 0, 0, 0, 0, "")
"""For the types of its fields."""


def _using(path: Path, work: Callable[[], T]) -> T:
    try:
        return work()
    except OSError as error:
        raise UsageError(
            f"the results cannot be kept: {error.strerror or type(error).__name__}",
            where=str(path),
            fix="name another file",
        ) from error


def _size(path: Path) -> int:
    with path.open("ab") as stream:
        return stream.tell()


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)


def _without_torn_line(path: Path) -> None:
    content = path.read_bytes()
    with path.open("r+b") as stream:
        stream.truncate(content.rfind(b"\n") + 1)
