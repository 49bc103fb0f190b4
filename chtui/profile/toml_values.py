"""Typed values out of one TOML document; what is wrong is collected, not raised."""

from __future__ import annotations

import math
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from chtui.errors import ConfigError
from chtui.profile.layer import Context, Problem, Sourced, check_text, nearest
from chtui.profile.toml_lines import find_line, key_lines

LARGEST_BYTES = 1 << 20
KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "a table"),
)


class Document:
    """A parsed file: its data, where its keys stand, and the problems met so far."""

    def __init__(self, path: Path, context: Context) -> None:
        self.path = path
        self.context = context
        self.problems: list[Problem] = []
        raw, self.private = read_bytes(path)
        self.data, self._lines = _parse(raw, path)

    def where(self, key: tuple[str, ...]) -> str:
        """Return `FILE:LINE` of a dotted key, or the file alone."""
        line = find_line(self._lines, key)
        return f"{self.path}:{line}" if line else str(self.path)

    def top(self) -> Table:
        """Return the document's outermost table."""
        return Table(self, (), self.data, None)


class Table:
    """One table of a document. Each reader gives None both for what is missing and for what is wrong.

    `profile` names the only profile its problems concern; None where they concern all.
    """

    def __init__(
        self, document: Document, path: tuple[str, ...], data: Mapping[str, object], profile: str | None
    ) -> None:
        self.document = document
        self.path = path
        self.data = data
        self.profile = profile

    def label(self, key: str) -> str:
        """Return a key's dotted name."""
        return ".".join((*self.path, key))

    def where(self, key: str) -> str:
        """Return `FILE:LINE` of a key."""
        return self.document.where((*self.path, key))

    def note(self, key: str, what: str, fix: str = "") -> None:
        """Collect a problem at a key; `what` follows its dotted name."""
        self.collect(ConfigError(f"{self.label(key)} {what}", where=self.where(key), fix=fix))

    def collect(self, error: ConfigError) -> None:
        """Collect an error as a problem."""
        self.document.problems.append(Problem.of(error, self.profile))

    def check_keys(self, known: Iterable[str], hints: Mapping[str, str] | None = None) -> None:
        """Collect each key which is not known; `hints` says what to do for some of them."""
        names = list(known)
        for key in self.data:
            if key not in names:
                fix = (hints or {}).get(key) or nearest(key, names)
                self.collect(ConfigError(f"unknown key {self.label(key)}", where=self.where(key), fix=fix))

    def string(self, key: str, check: Callable[[str, str, str], str] | None = None) -> Sourced[str] | None:
        """Return a string that can be drawn; `check(label, text, where)` may refuse it further."""
        value = self._typed(key, str, "a string")
        if value is None:
            return None
        try:
            text = check_text(self.label(key), str(value), self.where(key))
            return Sourced(check(self.label(key), text, self.where(key)) if check else text, self.where(key))
        except ConfigError as error:
            self.collect(error)
            return None

    def secret_text(self, key: str) -> str | None:
        """Return a string as it is; it may be empty."""
        value = self._typed(key, str, "a string")
        return None if value is None else str(value)

    def boolean(self, key: str) -> Sourced[bool] | None:
        """Return true or false."""
        value = self._typed(key, bool, "true or false")
        return None if value is None else Sourced(bool(value), self.where(key))

    def number(self, key: str, low: float, high: float, *, whole: bool = False) -> Sourced[float] | None:
        """Return a number of `low` to `high`."""
        value = self._typed(key, int if whole else (int, float), "a whole number" if whole else "a number")
        if not isinstance(value, (int, float)):
            return None
        if not math.isfinite(value) or not low <= value <= high:
            self.note(key, f"is {value:g}, out of range", f"it goes from {low:g} to {high:g}")
            return None
        return Sourced(value, self.where(key))

    def file(self, key: str) -> Sourced[Path] | None:
        """Return a path: `~/` is the home directory, a relative one starts where the file stands."""
        text = self.string(key)
        if text is None:
            return None
        return Sourced(self.document.context.path(text.value, self.document.path.parent), text.origin)

    def strings(self, key: str) -> Sourced[tuple[str, ...]] | None:
        """Return a list of at least one string, which are not checked further."""
        value = self._typed(key, list, "a list of strings")
        if not isinstance(value, list):
            return None
        if not value or not all(isinstance(item, str) for item in value):
            self.note(key, "must be a list of one or more strings")
            return None
        return Sourced(tuple(value), self.where(key))

    def table(self, key: str) -> Table | None:
        """Return a table within this one."""
        value = self._typed(key, dict, "a table")
        if not isinstance(value, dict):
            return None
        return Table(self.document, (*self.path, key), value, self.profile)

    def _typed(self, key: str, kind: type | tuple[type, ...], name: str) -> object | None:
        value = self.data.get(key)
        if value is None:
            return None
        # A bool is an int to Python, and never one to a person.
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        self.note(key, f"must be {name}, not {kind_of(value)}")
        return None


def kind_of(value: object) -> str:
    """Return a person's word for a TOML value's type."""
    for kind, name in KINDS:
        if isinstance(value, kind):
            return name
    return "a date or time"


def read_bytes(path: Path) -> tuple[bytes, bool]:
    """Return a configuration file's bytes and whether only its owner may read it.

    Raises:
        ConfigError: it cannot be read, or is larger than 1 MiB.
    """
    try:
        with open(path, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            raw = stream.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise ConfigError(
            f"cannot be read: {reason}", where=str(path), fix="check the path and its mode"
        ) from error
    if len(raw) > LARGEST_BYTES:
        raise ConfigError("is larger than 1 MiB", where=str(path), fix="is it a configuration file?")
    return raw, not mode & (stat.S_IRGRP | stat.S_IROTH)


def decode(raw: bytes, path: Path) -> str:
    """Return a file's text, without a byte order mark.

    Raises:
        ConfigError: it is no UTF-8; names the line.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError("is no UTF-8 text", where=f"{path}:{line}", fix="save it as UTF-8") from error


def _parse(raw: bytes, path: Path) -> tuple[dict[str, object], dict[tuple[str, ...], int]]:
    text = decode(raw, path).replace("\r\n", "\n")
    try:
        return tomllib.loads(text), key_lines(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
        line = found[1] if found and found[1] else str(text.count("\n") + 1)
        what = message[: found.start()] if found else message
        raise ConfigError(f"is not TOML: {what}", where=f"{path}:{line}") from error
    except RecursionError as error:
        raise ConfigError("is nested too deeply", where=str(path)) from error
