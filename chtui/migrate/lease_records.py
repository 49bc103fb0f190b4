"""What there is to know about a lease: who has it, since when, for how long."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from chtui.act.audit import who

FORMAT, VERSION = "chtui lease", 1
MACHINE_FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")


class Journalist(NamedTuple):
    """Who holds a lease, or wants to: a process that holds a journal."""

    holder: str
    """`user@machine pid 123`."""
    machine: str
    """What tells the machine from others of its name."""
    journal: str
    """The journal's path there."""


class State(NamedTuple):
    """What the server says of one generation."""

    highest: int
    age_seconds: int
    expires_seconds: int
    is_released: bool
    journal_seq: int


@dataclass(frozen=True, slots=True)
class LeaseStatus:
    """The highest generation of a run's lease, by the server's clock."""

    run: str
    generation: int
    holder: str
    machine: str
    journal: str
    token: str
    """What tells this taking from all others."""
    taken_at: str
    """By the holder's clock, RFC 3339."""
    age_seconds: int
    expires_in_seconds: int
    """Zero or less where it has run out."""
    ttl_seconds: int
    is_released: bool
    journal_seq: int
    """The last event the holder's journal had at the last sign of life: a journal that ends before it has lost events."""
    lower: tuple[int, ...]
    """The generations before it."""

    @property
    def is_free(self) -> bool:
        """Whether nobody holds it any more."""
        return self.is_released or self.expires_in_seconds <= 0


class Taken(NamedTuple):
    """A lease just taken."""

    generation: int
    lower: tuple[int, ...]
    """The generations whose staging must be dropped before anything else is done."""
    before: LeaseStatus | None
    """Who had it."""


def myself(journal: Path) -> Journalist:
    """Return this process as a holder of a lease; it must hold that journal."""
    found = who()
    user = found["os_user"] + (f" (sudo by {found['sudo_user']})" if "sudo_user" in found else "")
    name = socket.gethostname()
    number = next((file for file in map(Path, MACHINE_FILES) if file.is_file()), None)
    told = number.read_text(encoding="ascii", errors="replace").strip()[:64] if number else ""
    return Journalist(f"{user}@{name} pid {os.getpid()}", f"{name} {told}".strip(), str(journal))


def words(comment: str) -> Mapping[str, Any]:
    """Return what a lease's comment says; nothing where it says nothing that can be read."""
    try:
        found = json.loads(comment)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("format") == FORMAT else {}
