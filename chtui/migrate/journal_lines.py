"""The lines of a journal: how one is written, and how a file of them is read and judged."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

from chtui.errors import MigrateError

FORMAT, VERSION = "chtui migration journal", 1
LINE_BYTES = 16 * 1024 * 1024
"""No line is longer."""
EXACT_INTEGERS = 2**53
"""Integers below are read alike by everything that reads JSON; hashes are written as strings."""
CHECKSUM = re.compile(rb',"checksum":"([0-9a-f]{32})"\}')
OWN = ("seq", "at", "kind", "checksum")
"""Names in an event's line that are no facts."""
REBUILD = "restore it from a copy, or take over with --rebuild: everything is measured anew"


class Header(NamedTuple):
    """What the first line says."""

    run: str
    plan_hash: str
    created_at: datetime


class Event(NamedTuple):
    """One line after it."""

    seq: int
    """Counted from 1, without a gap."""
    at: datetime
    kind: str
    facts: Mapping[str, Any]
    """As JSON holds them, immutable throughout: lists are tuples."""


class Lines:
    """Reads a journal line by line."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        self._path = path
        self.whole_bytes = 0
        """Where the last whole line ends."""
        self.torn_bytes = 0
        """What comes after it, of a line that was never finished."""

    def header(self) -> Header:
        """Return what the first line says.

        Raises:
            MigrateError: it is none of a journal, or of a newer version's.
        """
        content = self._stream.readline(LINE_BYTES)
        found = _object(content)
        version = found.get("version")
        if found.get("format") != FORMAT or not isinstance(version, int) or isinstance(version, bool):
            raise MigrateError("this is no journal of a migration", where=str(self._path), fix=REBUILD)
        if version > VERSION:
            raise MigrateError(
                f"the journal is of the newer version {version}",
                where=str(self._path),
                fix="use the chtui that wrote it",
            )
        try:
            _check(content)
            created_at = datetime.fromisoformat(found["created_at"])
            header = Header(str(found["run"]), str(found["plan_hash"]), created_at)
        except (ValueError, KeyError, TypeError) as error:
            raise damaged("the first line of the journal is damaged", self._path) from error
        self.whole_bytes = len(content)
        return header

    def events(self) -> Iterator[Event]:
        """Give the events after it; a last line that is not whole is left out, and counted in `torn_bytes`.

        Whoever writes it may go on meanwhile: a line that was read while it was written, or while a torn one made way
        for it, is read again.

        Raises:
            MigrateError: a line before it is not as it was written.
        """
        seq = 0
        torn = b""
        while content := self._stream.readline(LINE_BYTES):
            number = seq + 2
            try:
                _check(content)
                found = _object(content)
                at, kind, told = datetime.fromisoformat(found["at"]), str(found["kind"]), found["seq"]
            except (ValueError, KeyError, TypeError) as error:
                if self._stream.read(1) or _holds_whole(content):
                    if content != torn:
                        torn = content
                        self._stream.seek(self.whole_bytes)
                        continue
                    raise damaged(f"line {number} of the journal is damaged", self._path) from error
                self.torn_bytes = len(content)
                return
            seq += 1
            if told != seq:
                what = f"line {number} of the journal has event {told} where event {seq} should be"
                raise damaged(what, self._path)
            self.whole_bytes += len(content)
            facts = {name: _frozen(value) for name, value in found.items() if name not in OWN}
            yield Event(seq, at, kind, MappingProxyType(facts))


def damaged(what: str, path: Path) -> MigrateError:
    """Return the error that a journal is not as it was written."""
    return MigrateError(what, where=str(path), fix=REBUILD)


def line(values: Mapping[str, Any]) -> bytes:
    """Return a line with its checksum.

    Raises:
        ValueError: the values are nothing JSON holds exactly, or too long.
    """
    # ASCII only: whatever a server named something, it cannot act on a terminal that shows this file.
    text = json.dumps(_plain(values), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    body = text.encode("ascii").removesuffix(b"}")
    content = body + b',"checksum":"' + _checksum(body) + b'"}\n'
    if len(content) > LINE_BYTES:
        raise ValueError(f"a line of {len(content)} bytes is too long")
    return content


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest()[:32].encode("ascii")


def _check(content: bytes) -> None:
    """Raise ValueError unless a line is as it was written, from its first byte to the end of line."""
    start = content.rfind(b',"checksum":"')
    match = CHECKSUM.fullmatch(content[start:].removesuffix(b"\n"))
    if start < 0 or match is None or not content.endswith(b"\n") or match[1] != _checksum(content[:start]):
        raise ValueError("checksum")


def _holds_whole(content: bytes) -> bool:
    """Whether a line that is not whole begins with one that is, and others after it: then it is no torn one."""
    return any(
        match[1] == _checksum(content[: match.start()])
        for match in CHECKSUM.finditer(content, 0, max(0, len(content) - 2))
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _plain(value: Any) -> Any:
    """The value as JSON takes it; ValueError for what would come back as something else."""
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        if abs(value) >= EXACT_INTEGERS:
            raise ValueError(f"{value} is too large for a number in JSON: give it as text")
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("names in JSON are texts")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise ValueError(f"JSON has no {type(value).__name__}")


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value
