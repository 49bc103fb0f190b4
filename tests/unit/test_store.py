"""The last samples of every host."""

from __future__ import annotations

from chtui.monitor.store import Store
from chtui.records import Sample
from tests.unit.hand import NOW, A, B, ago, good


def test_before_the_first_attempt_there_is_nothing() -> None:
    store = Store()
    assert store.get(A, "disks") is None
    assert store.at() == {}


def test_a_sample_keeps_the_one_before_it_and_no_more() -> None:
    store = Store()
    for number, age in ((1, 20), (2, 10), (3, 0)):
        store.put(A, "disks", good(number, age=age))
    found = store.get(A, "disks")
    assert found is not None
    assert found.rows == (3,)
    assert found.previous == Sample((2,), ago(10))


def test_a_failure_keeps_the_last_good_rows_with_their_age() -> None:
    store = Store()
    store.put(A, "disks", good("row", age=30))
    store.fail(A, "disks", "hung", NOW)
    assert store.get(A, "disks") == Sample(("row",), ago(30), "hung", NOW)
    store.put(A, "disks", good("new"))
    found = store.get(A, "disks")
    assert found is not None
    assert (found.rows, found.error, found.failed_at) == (("new",), "", None)


def test_a_failure_before_any_answer() -> None:
    store = Store()
    store.fail(A, "disks", "hung", NOW)
    assert store.get(A, "disks") == Sample((), None, "hung", NOW)
    store.put(A, "disks", good("first"))
    found = store.get(A, "disks")
    assert found is not None
    assert found.previous is None


def test_what_can_never_be_answered_says_why_and_shows_no_old_rows() -> None:
    store = Store()
    store.put(A, "disks", good("row"))
    store.unavailable(A, "disks", "no such table", is_too_old=True)
    assert store.get(A, "disks") == Sample(unavailable="no such table", is_too_old=True)
    store.put(A, "disks", good("row"))
    found = store.get(A, "disks")
    assert found is not None
    assert (found.unavailable, found.is_too_old, found.previous) == ("", False, None)


def test_nothing_to_ask_is_an_empty_good_sample() -> None:
    store = Store()
    store.put(A, "suspects", good("row", age=30))
    store.fail(A, "suspects", "hung", ago(10))
    store.clear(A, "suspects", NOW)
    assert store.get(A, "suspects") == Sample(taken_at=NOW)


def test_a_host_that_left_takes_its_samples_along() -> None:
    store = Store()
    for host in (A, B):
        store.put(host, "disks", good(str(host)))
    store.forget(A)
    assert list(store.at()) == [(B, "disks")]


def test_a_copy_does_not_change() -> None:
    store = Store()
    store.put(A, "disks", good("old"))
    seen = store.at(NOW)
    store.put(A, "disks", good("new"))
    store.forget(B)
    assert seen[A, "disks"].rows == ("old",)
