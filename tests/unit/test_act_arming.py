"""Arming: for how long, for which cluster, and who may not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from chtui.act.arming import Arming, parse_minutes
from chtui.errors import UsageError
from tests.unit.hand import HandClock, profile


def test_nothing_is_armed_at_first() -> None:
    arming = Arming(profile(), HandClock())
    assert (arming.cluster, arming.remaining_seconds) == ("", 0.0)
    with pytest.raises(UsageError) as refused:
        arming.require("c")
    assert refused.value.line == "cluster c: read-only: no cluster is armed; arm it with :write [minutes]"


def test_one_cluster_is_armed_until_it_expires_by_itself() -> None:
    clock = HandClock()
    arming = Arming(profile(), clock)
    arming.arm("c")
    assert (arming.cluster, arming.remaining_seconds) == ("c", 600.0)
    arming.require("c")
    clock.seconds += 599
    assert arming.remaining_seconds == pytest.approx(1.0)
    arming.require("c")
    clock.seconds += 1
    assert (arming.cluster, arming.remaining_seconds) == ("", 0.0)
    with pytest.raises(UsageError, match="no cluster is armed"):
        arming.require("c")


def test_another_cluster_is_refused_and_arming_it_lets_the_first_go() -> None:
    arming = Arming(profile(), HandClock())
    arming.arm("c", 1)
    with pytest.raises(UsageError) as refused:
        arming.require("d")
    assert refused.value.what == "read-only: only cluster c is armed"
    arming.arm("d", 60)
    assert arming.remaining_seconds == 3600.0
    with pytest.raises(UsageError, match="only cluster d is armed"):
        arming.require("c")


def test_disarming_ends_it_at_once() -> None:
    arming = Arming(profile(), HandClock())
    arming.arm("c")
    arming.disarm()
    assert (arming.cluster, arming.remaining_seconds) == ("", 0.0)


def test_a_profile_may_forbid_it() -> None:
    arming = Arming(profile(write_allowed=False), HandClock())
    with pytest.raises(UsageError) as refused:
        arming.arm("c")
    assert refused.value.line == (
        "profile test: this profile may not be armed: its write_allowed is false; "
        "use another profile, or change it in config.toml"
    )
    assert arming.cluster == ""


@pytest.mark.parametrize("minutes", [0, 0.5, -1, 60.01, 61, float("nan"), float("inf")])
def test_minutes_have_bounds(minutes: float) -> None:
    arming = Arming(profile(), HandClock())
    with pytest.raises(UsageError, match="give 1 to 60 minutes"):
        arming.arm("c", minutes)
    assert arming.cluster == ""


def test_no_cluster_no_arming() -> None:
    with pytest.raises(UsageError, match="no cluster is known yet"):
        Arming(profile(), HandClock()).arm("")


class SleptClock(HandClock):
    """A machine that slept: its monotonic clock stood still meanwhile."""

    slept_seconds = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.slept_seconds)


def test_a_machine_that_slept_wakes_up_disarmed_and_a_clock_set_back_adds_nothing() -> None:
    clock = SleptClock()
    arming = Arming(profile(), clock)
    arming.arm("c")
    clock.slept_seconds = 8 * 3600
    assert arming.cluster == ""
    clock.slept_seconds = -8 * 3600
    assert arming.remaining_seconds == 600.0


@pytest.mark.parametrize(
    ("text", "minutes"), [("", 10), ("  ", 10), ("1", 1), ("60", 60), ("off", 0), ("OFF", 0), ("0", 0)]
)
def test_what_is_typed_after_write(text: str, minutes: int) -> None:
    assert parse_minutes(text) == minutes


@pytest.mark.parametrize(
    "text", ["61", "-1", "1.5", "ten", "1 2", "1m", "٣", "99999999", "00019999", "[red]"]
)
def test_nonsense_after_write_is_one_line(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_minutes(text)
    assert refused.value.line == f":write: '{text}' is no number of minutes; give 1 to 60, or off"
