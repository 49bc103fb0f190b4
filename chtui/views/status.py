"""The line on top of every pane: which cluster, how its hosts do, what the user may do, what chtui costs."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from chtui.monitor.snapshot import Snapshot
from chtui.records import HostState
from chtui.text import format_percent, format_seconds, one_line, sanitize
from chtui.views.pieces import Piece


class Status(NamedTuple):
    """What the status bar and the banner show."""

    pieces: tuple[Piece, ...]
    """The most important first: what does not fit is left out from the end."""
    banners: tuple[Piece, ...]
    """Lines that stay until their cause is gone."""


def status(snapshot: Snapshot) -> Status:
    """Return the status line of a snapshot."""
    return Status(
        (
            Piece(sanitize(snapshot.cluster, 40) or "no cluster yet", "accent"),
            *_hosts(snapshot),
            *((Piece("PAUSED", "warning"),) if snapshot.paused else ()),
            _writing(snapshot),
            _meter(snapshot),
            Piece(f"profile {sanitize(snapshot.profile, 30)}", "muted"),
            *(
                Piece(f"{probe} is dear here: every {format_seconds(seconds)}", "warning")
                for probe, seconds in snapshot.slowed.items()
            ),
        ),
        tuple(_banners(snapshot)),
    )


def _hosts(snapshot: Snapshot) -> tuple[Piece, ...]:
    states = Counter(status.state for status in snapshot.hosts)
    up, total = states[HostState.UP] + states[HostState.SLOW], len(snapshot.hosts)
    if not total:
        return (Piece("0 hosts", "warning"),)
    worst = max(states, key=lambda state: state.severity)
    counted = Piece(
        f"{up}/{total} hosts up", "ok" if up == total else "critical" if worst.severity > 2 else "warning"
    )
    if worst is HostState.UP:
        return (counted,)
    return counted, Piece(
        f"{states[worst]} {worst}",
        "warning" if worst in (HostState.SLOW, HostState.CONNECTING) else "critical",
    )


def _writing(snapshot: Snapshot) -> Piece:
    if snapshot.armed_seconds > 0:
        return Piece("ARMED", "critical")
    return Piece("read-only user" if snapshot.is_readonly_user else "read-only", "muted")


def _meter(snapshot: Snapshot) -> Piece:
    if snapshot.meter_ratio is None:
        return Piece("cost -", "muted")
    # Without the server's own figure the time is the client's, network included.
    source = "" if snapshot.meter_is_server_time else " (client time)"
    return Piece(f"cost {format_percent(snapshot.meter_ratio, 1)}{source}", "muted")


def _banners(snapshot: Snapshot) -> list[Piece]:
    banners: list[Piece] = []
    if snapshot.armed_seconds > 0:
        # In steps: a figure that changes every second would be sent every second.
        step = 60 if snapshot.armed_seconds > 60 else 10
        left = format_seconds(-(-int(snapshot.armed_seconds) // step) * step)
        text = f"ARMED: {sanitize(snapshot.cluster, 60)} may be changed for {left} more; :write off ends it"
        banners.append(Piece(text, "critical"))
    if snapshot.error:
        banners.append(Piece(one_line(snapshot.error), "critical"))
    if blind := snapshot.partly_blind:
        where = "" if len(blind) == len(snapshot.hosts) else f" on {', '.join(map(str, blind))}"
        text = f"this user sees only part of the tables{sanitize(where)}: an empty pane proves nothing; GRANT SHOW ON *.*"
        banners.append(Piece(text, "warning"))
    if snapshot.access == "through":
        text = (
            "asked through one host: hosts that do not answer it are missing here, whatever their own state"
        )
        if any(status.readonly_level == 1 for status in snapshot.hosts):
            text += "; a user with readonly = 1 may not set short time-outs: one dead host can hide all, readonly = 2 helps"
        banners.append(Piece(text, "warning"))
    banners.extend(Piece(sanitize(note), "muted") for note in snapshot.notes)
    return banners
