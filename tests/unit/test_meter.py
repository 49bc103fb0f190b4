"""How much of the servers' time chtui takes."""

from __future__ import annotations

from chtui.monitor.meter import Meter
from chtui.records import Cost
from tests.unit.hand import A, B


def told(meter: Meter, monotonic: float) -> tuple[float, bool]:
    share, is_server_time = meter.share(monotonic)
    assert share is not None
    return round(share, 6), is_server_time


def test_no_figure_while_the_start_would_make_it() -> None:
    meter = Meter()
    assert meter.share(0.0) == (None, True)
    meter.add(A, 100.0, Cost(0.3, True))
    assert meter.share(114.9) == (None, True)
    assert told(meter, 115.0) == (0.02, True)


def test_the_busiest_host_counts() -> None:
    meter = Meter()
    for host, seconds in ((A, 0.1), (B, 0.6), (A, 0.1)):
        meter.add(host, 100.0, Cost(seconds, True))
    assert told(meter, 120.0) == (0.03, True)


def test_only_the_last_minute_counts() -> None:
    meter = Meter()
    meter.add(A, 100.0, Cost(6.0, True))
    meter.add(A, 150.0, Cost(3.0, True))
    assert told(meter, 160.0) == (9.0 / 60, True)
    assert told(meter, 160.1) == (3.0 / 60, True)
    assert meter.share(500.0) == (0.0, True)


def test_time_of_the_client_is_labelled_while_it_counts() -> None:
    meter = Meter()
    meter.add(A, 100.0, Cost(1.0, False))
    meter.add(B, 130.0, Cost(1.0, True))
    assert meter.share(131.0)[1] is False
    assert meter.share(161.0)[1] is True
