"""All profiles beside each other, without a screen."""

from __future__ import annotations

import pytest

from chtui.records import HostState
from chtui.text import UNSAFE
from chtui.views import fleet
from tests.unit.hand import HOSTILE, A, B, good, snapshot, status, summary

WELL = snapshot(
    status(A),
    status(B),
    samples={(host, "replication_summary"): good(summary(queue_entries=2)) for host in (A, B)},
)
ILL = snapshot(
    status(A),
    status(B, HostState.DOWN, error="no route"),
    samples={(A, "replication_summary"): good(summary(readonly_tables=3, max_delay_seconds=70))},
)


def test_the_worst_profile_comes_first_and_one_that_cannot_be_opened_before_all() -> None:
    facts = fleet.facts([("good", WELL, ""), ("bad", ILL, ""), ("closed", None, "no password")])
    assert [fact.profile for fact in facts] == ["closed", "bad", "good"]
    assert (facts[0].hosts, facts[0].error) == (None, "no password")
    bad = facts[1]
    assert (bad.hosts_up, bad.hosts, bad.worst_state) == (1, 2, "down")
    assert (bad.readonly_tables, bad.max_delay_seconds, bad.error) == (3, 70, "no route")
    assert facts[2].queue_entries == 4


def test_a_row_is_complete_when_waiting_changes_nothing() -> None:
    waiting = snapshot(status(A))
    assert fleet.is_complete(("p", WELL, ""))
    assert fleet.is_complete(("p", ILL, ""))
    assert fleet.is_complete(("p", None, "no password"))
    assert fleet.is_complete(("p", snapshot(error="refused"), ""))
    assert not fleet.is_complete(("p", waiting, ""))
    assert not fleet.is_complete(("p", None, ""))
    assert not fleet.is_complete(("p", snapshot(status(A, HostState.CONNECTING)), ""))


def test_a_user_who_sees_only_part_is_told_of() -> None:
    blind = snapshot(
        status(A, sees_all_tables=False), samples={(A, "replication_summary"): good(summary(tables=0))}
    )
    fact = fleet.facts([("blind", blind, "")])[0]
    assert fact.partly_blind_hosts == 1
    assert "only part" in fact.error


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_is_drawn(name: str) -> None:
    for row in fleet.table([(name, WELL, ""), ("p", None, name)]).rows:
        assert not any(UNSAFE.search(item.text) for item in row.cells)


def test_the_keys_of_the_json() -> None:
    assert list(fleet.FleetFact.__slots__) == [
        "profile", "cluster", "hosts_up", "hosts", "worst_state", "readonly_tables", "never_synced_tables",
        "max_delay_seconds", "queue_entries", "versions", "partly_blind_hosts", "error",
    ]  # fmt: skip
