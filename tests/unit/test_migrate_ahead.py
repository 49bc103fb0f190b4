"""v1's digests handed out slice by slice while the rest is measured."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chtui.migrate.ahead import Ahead, Share, UnmeasuredError
from chtui.migrate.digests import Digest, Digests
from chtui.migrate.layout import Slice

FIRST, SECOND = (
    Slice("spans", hour * 3600, (hour + 1) * 3600, 3, ("20260101",), is_shared=False) for hour in (1, 2)
)
WAIT_SECONDS = 10.0
ONE, TWO = Digest(1, 11, 5, 5), Digest(2, 22, 6, 7)


def digests(piece: Slice) -> Digests:
    return {(piece.from_seconds, 1): ONE, (piece.from_seconds, 2): TWO, (3600, 1): ONE}


def test_a_slice_is_handed_out_while_the_next_is_measured() -> None:
    taken = threading.Event()

    def measured() -> Iterator[tuple[Slice, Digests]]:
        yield FIRST, digests(FIRST)
        assert taken.wait(WAIT_SECONDS)
        yield SECOND, digests(SECOND)

    ahead = Ahead([FIRST, SECOND])
    share = Share(ahead, (FIRST, SECOND), 1)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(ahead.follow, measured())
        assert share[FIRST] == {3600: ONE}
        taken.set()
        assert share[SECOND] == {7200: ONE, 3600: ONE}
        following.result(WAIT_SECONDS)
    assert share.hours() == {3600: ONE + ONE, 7200: ONE}
    assert [list(hours) for hours in share.values()] == [[3600], [7200, 3600]]


def test_a_shard_gets_its_own_rows_alone() -> None:
    ahead = Ahead([SECOND])
    ahead.follow([(SECOND, digests(SECOND))])
    assert Share(ahead, (SECOND,), 2)[SECOND] == {7200: TWO}
    assert not Share(ahead, (SECOND,), 3)[SECOND]


def test_nobody_waits_for_what_will_not_be_measured() -> None:
    def measured() -> Iterator[tuple[Slice, Digests]]:
        yield FIRST, digests(FIRST)
        raise OSError("v1 is away")

    ahead = Ahead([FIRST, SECOND])
    share = Share(ahead, (FIRST, SECOND), 1)
    with pytest.raises(OSError, match="v1 is away"):
        ahead.follow(measured())
    assert share[FIRST] == {3600: ONE}
    with pytest.raises(UnmeasuredError):
        share[SECOND]
    with pytest.raises(UnmeasuredError):
        share.hours()


def test_measuring_that_ends_early_keeps_nobody_waiting() -> None:
    ahead = Ahead([FIRST, SECOND])
    ahead.follow([])
    with pytest.raises(UnmeasuredError):
        Share(ahead, (FIRST, SECOND), 1)[FIRST]
