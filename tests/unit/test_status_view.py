"""The line on top of every pane, and the banners below it."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from chtui.monitor.snapshot import Snapshot
from chtui.records import HostId, HostState
from chtui.text import UNSAFE
from chtui.views.pieces import Piece
from chtui.views.status import status
from tests.unit.hand import HOSTILE, A, B, C, D, snapshot
from tests.unit.hand import status as host


def texts(given: Snapshot) -> list[str]:
    return [piece.text for piece in status(given).pieces]


def banners(given: Snapshot) -> list[str]:
    return [piece.text for piece in status(given).banners]


def test_a_healthy_cluster() -> None:
    given = snapshot(host(A), host(B), meter_ratio=0.0042)
    assert status(given).pieces == (
        Piece("c", "accent"),
        Piece("2/2 hosts up", "ok"),
        Piece("read-only user", "muted"),
        Piece("cost 0.4 %", "muted"),
        Piece("profile test", "muted"),
    )
    assert status(given).banners == ()


def test_before_a_cluster_is_known() -> None:
    assert texts(snapshot(cluster="")) == ["no cluster yet", "0 hosts", "read-only", "cost -", "profile test"]


@pytest.mark.parametrize(
    ("states", "pieces"),
    [
        ((HostState.UP, HostState.SLOW), (Piece("2/2 hosts up", "ok"), Piece("1 slow", "warning"))),
        (
            (HostState.UP, HostState.CONNECTING),
            (Piece("1/2 hosts up", "warning"), Piece("1 connecting", "warning")),
        ),
        (
            (HostState.UP, HostState.DENIED),
            (Piece("1/2 hosts up", "critical"), Piece("1 denied", "critical")),
        ),
        (
            (HostState.DOWN, HostState.HUNG, HostState.UP, HostState.DOWN),
            (Piece("1/4 hosts up", "critical"), Piece("2 down", "critical")),
        ),
    ],
)
def test_the_worst_state_is_named(states: tuple[HostState, ...], pieces: tuple[Piece, Piece]) -> None:
    hosts = [host(identity, state) for identity, state in zip((A, B, C, D), states, strict=False)]
    assert status(snapshot(*hosts)).pieces[1:3] == pieces


def test_pausing_and_the_users_rights_are_told() -> None:
    given = snapshot(host(A, readonly_level=0), host(B), paused=True)
    assert texts(given)[2:4] == ["PAUSED", "read-only"]
    assert texts(snapshot(host(A, readonly_level=2), host(B, readonly_level=None)))[2] == "read-only user"
    assert texts(snapshot(host(A, readonly_level=None)))[2] == "read-only"


def test_time_of_the_client_is_labelled() -> None:
    assert "cost 1.2 % (client time)" in texts(
        snapshot(host(A), meter_ratio=0.012, meter_is_server_time=False)
    )


def test_a_dear_probe_is_named() -> None:
    given = snapshot(host(A), slowed=MappingProxyType({"parts_summary": 120.0}))
    assert status(given).pieces[-1] == Piece("parts_summary is dear here: every 2m", "warning")


def test_a_user_who_sees_only_part_is_told_so() -> None:
    everywhere = snapshot(host(A, sees_all_tables=False))
    blind = "this user sees only part of the tables: an empty pane proves nothing; GRANT SHOW ON *.*"
    assert status(everywhere).banners == (Piece(blind, "warning"),)
    somewhere = snapshot(host(A, sees_all_tables=False), host(B))
    assert banners(somewhere) == [blind.replace("tables:", "tables on ch1.example:9000:")]
    assert banners(snapshot(host(A, sees_all_tables=None))) == []


def test_other_banners() -> None:
    given = snapshot(host(A), error="seed: refused", access="through", notes=("a note", "another"))
    assert [piece.style for piece in status(given).banners] == ["critical", "warning", "muted", "muted"]
    assert banners(given)[0] == "seed: refused"
    assert banners(given)[1].startswith(
        "asked through one host: hosts that do not answer it are missing here"
    )
    assert banners(given)[2:] == ["a note", "another"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_piece_of_a_hostile_cluster_holds_a_control_character(name: str) -> None:
    hosts = (host(HostId(name, 9000), sees_all_tables=False), host(A))
    given = snapshot(*hosts, cluster=name, profile=name, error=name, notes=(name,))
    drawn = [*texts(given), *banners(given)]
    assert len(drawn) == 8
    assert [text for text in drawn if UNSAFE.search(text)] == []
