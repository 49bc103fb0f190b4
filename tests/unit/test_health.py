"""The rules: every one below, at and above its threshold."""

from __future__ import annotations

from typing import Any

import pytest

from chtui.health.findings import Assessment, Finding, Severity, Unchecked
from chtui.health.rules import WANTS, assess
from chtui.monitor.snapshot import Snapshot
from chtui.records import (
    Disk,
    HostId,
    HostState,
    HostStatus,
    ReplicaKeeperState,
    ReplicationSummary,
    Sample,
    SuspectReplica,
)
from tests.unit.hand import NOW, A, B, C, blank, good, snapshot, status, summary

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
YEARS_SECONDS = 50 * 365 * 86400


def suspect(table: str = "t", **values: Any) -> SuspectReplica:
    return blank(SuspectReplica, **{"database": "db", "table": table, **values})


def keeper(table: str, active: int, total: int, exception: str | None = None) -> ReplicaKeeperState:
    values = {"active_replicas": active, "total_replicas": total, "zookeeper_exception": exception}
    return blank(ReplicaKeeperState, database="db", table=table, **values)


def disk(used: int, name: str = "default", total: int = 1000) -> Disk:
    return Disk(name, f"/{name}/", None, total - used, total, 0)


def samples(host: HostId = A, **rows: Any) -> dict[tuple[HostId, str], Sample]:
    """Good answers to everything the rules read; `rows` are records by probe."""
    given: dict[str, Any] = {"replication_summary": [summary()], **rows}
    return {(host, want.probe): good(*given.get(want.probe, ())) for want in WANTS}


def one_host(state: HostState = HostState.UP, **rows: Any) -> Snapshot:
    return snapshot(status(A, state), samples=samples(**rows))


def found(given: Snapshot) -> list[tuple[Severity, str, str, str]]:
    return [(item.severity, item.rule, item.object, item.summary) for item in assess(given).findings]


def only(given: Snapshot) -> Finding:
    (finding,) = assess(given).findings
    return finding


def summed(**values: Any) -> list[ReplicationSummary]:
    return [summary(**values)]


def test_a_healthy_host_has_no_finding() -> None:
    assert assess(one_host()) == Assessment((), ())
    assert assess(one_host()).exit_code == 0


@pytest.mark.parametrize(
    ("state", "severity", "code"),
    [
        (HostState.SLOW, WARNING, 1),
        (HostState.DENIED, CRITICAL, 2),
        (HostState.AUTH_FAILED, CRITICAL, 2),
        (HostState.MISMATCH, CRITICAL, 2),
        (HostState.NOT_CLICKHOUSE, CRITICAL, 2),
        (HostState.HUNG, CRITICAL, 2),
        (HostState.REFUSED, CRITICAL, 2),
        (HostState.DOWN, CRITICAL, 2),
    ],
)
def test_states_of_hosts(state: HostState, severity: Severity, code: int) -> None:
    given = snapshot(status(A, state, error="the reason"), samples=samples())
    finding = only(given)
    assert (finding.severity, finding.rule, finding.host) == (severity, "host_state", A)
    assert (finding.summary, finding.evidence, finding.since_seconds) == (
        f"host is {state}",
        "the reason",
        120.0,
    )
    assert finding.advice
    assert assess(given).exit_code == code


def test_a_host_that_connects_is_unchecked() -> None:
    given = snapshot(status(A, HostState.CONNECTING))
    assert assess(given) == Assessment((), (Unchecked(A, "the host", "it has not answered yet"),))
    assert assess(given).exit_code == 3


@pytest.mark.parametrize(
    ("seconds", "severity"), [(0, WARNING), (59, WARNING), (60, CRITICAL), (61, CRITICAL), (None, CRITICAL)]
)
def test_readonly_replicas_have_a_grace(seconds: int | None, severity: Severity) -> None:
    rows = [
        suspect(is_readonly=True, readonly_seconds=seconds),
        suspect("u", is_readonly=False, readonly_seconds=999),
    ]
    finding = only(one_host(replication_summary=summed(readonly_tables=1), suspect_replicas=rows))
    assert (finding.severity, finding.rule, finding.object) == (severity, "replica_readonly", "db.t")
    assert finding.summary == "1 replica of 10 readonly: inserts are refused"
    assert finding.since_seconds == (None if seconds is None else float(seconds))


def test_many_readonly_tables_are_counted() -> None:
    rows = [suspect(f"t{number}", is_readonly=True) for number in range(5)]
    finding = only(one_host(replication_summary=summed(readonly_tables=5), suspect_replicas=rows))
    assert finding.object == "db.t0, db.t1, db.t2 and 2 more"
    assert finding.summary == "5 replicas of 10 readonly: inserts are refused"


def test_readonly_tables_whose_names_are_not_known_yet() -> None:
    finding = only(one_host(replication_summary=summed(readonly_tables=5)))
    assert (finding.object, finding.evidence) == ("", "")


@pytest.mark.parametrize(
    ("row", "state", "reason"),
    [
        (suspect(is_readonly=True), keeper("t", 1, 1, "Session expired"), "Session expired"),
        (suspect(is_readonly=True, last_queue_update_exception="No node"), keeper("t", 1, 1), "No node"),
        (
            suspect(is_readonly=True, is_session_expired=True),
            keeper("t", 1, 1, ""),
            "the Keeper session has expired",
        ),
        (
            suspect(is_readonly=True),
            keeper("u", 1, 1, "of another table"),
            "the server gives no reason: it has no Keeper session, or has not initialised the replica",
        ),
    ],
)
def test_why_replicas_are_readonly(row: SuspectReplica, state: ReplicaKeeperState, reason: str) -> None:
    given = one_host(
        replication_summary=summed(readonly_tables=1), suspect_replicas=[row], replica_keeper_state=[state]
    )
    assert only(given).evidence == reason


def test_replicas_that_never_synced() -> None:
    given = one_host(replication_summary=summed(never_synced_tables=2))
    assert found(given) == [(CRITICAL, "replica_never_synced", "", "2 replicas never synced")]
    folded = one_host(replication_summary=summed(never_synced_tables=2, readonly_tables=2))
    assert [rule for _, rule, _, _ in found(folded)] == ["replica_readonly"]


@pytest.mark.parametrize(
    ("delay", "severity"), [(299, None), (300, WARNING), (599, WARNING), (600, CRITICAL), (86400, CRITICAL)]
)
def test_lag(delay: int, severity: Severity | None) -> None:
    given = one_host(replication_summary=summed(max_delay_seconds=delay))
    assert [(level, rule) for level, rule, _, _ in found(given)] == (
        [(severity, "replica_lag")] if severity else []
    )


def test_lag_names_the_table_that_lags_most_of_those_that_have_synced() -> None:
    rows = [
        suspect("little", absolute_delay_seconds=310),
        suspect("most", absolute_delay_seconds=400),
        suspect("never", absolute_delay_seconds=YEARS_SECONDS),
    ]
    given = one_host(
        replication_summary=summed(max_delay_seconds=400, never_synced_tables=1), suspect_replicas=rows
    )
    assert (WARNING, "replica_lag", "db.most", "replica is 6m 40s behind") in found(given)


@pytest.mark.parametrize(
    ("entries", "severity"), [(99, None), (100, WARNING), (999, WARNING), (1000, CRITICAL)]
)
def test_queues(entries: int, severity: Severity | None) -> None:
    values = {"max_queue_entries": entries, "queue_entries": 5000, "oldest_queue_entry_seconds": 77}
    rows = [suspect("small", queue_entries=1), suspect("large", queue_entries=entries)]
    given = one_host(replication_summary=summed(**values), suspect_replicas=rows)
    if severity is None:
        assert found(given) == []
    else:
        what = f"replication queue of one table holds {entries} entries"
        assert found(given) == [(severity, "replication_queue", "db.large", what)]
        assert only(given).since_seconds == 77.0


@pytest.mark.parametrize(("used", "severity"), [(799, None), (800, WARNING), (949, WARNING), (950, CRITICAL)])
def test_disks(used: int, severity: Severity | None) -> None:
    given = one_host(disks=[disk(100, "other"), disk(used), Disk("s3", "/", "s3", 0, 0, 0)])
    what = f"disk default is {used / 10:.0f} % full, {1000 - used} B free"
    assert found(given) == ([(severity, "disk_full", "default", what)] if severity else [])


def test_a_replica_that_keeper_misses() -> None:
    rows = [keeper("well", 2, 2), keeper("ill", 1, 2), keeper("ill2", 1, 3)]
    given = one_host(replica_keeper_state=rows)
    assert found(given) == [(WARNING, "replica_missing", "db.ill", "1 of 2 replicas active in 2 tables")]


@pytest.mark.parametrize(
    ("peer", "rules"),
    [
        (status(B, HostState.DOWN), ["host_state"]),
        (status(B, HostState.HUNG), ["host_state"]),
        (status(B, HostState.DOWN, shard_num=2), ["host_state", "replica_missing"]),
        (status(B, HostState.SLOW), ["host_state", "replica_missing"]),
    ],
)
def test_a_host_that_is_down_explains_a_missing_replica_of_its_shard(
    peer: HostStatus, rules: list[str]
) -> None:
    given = snapshot(
        status(A), peer, samples={**samples(replica_keeper_state=[keeper("t", 1, 2)]), **samples(B)}
    )
    assert [item.rule for item in assess(given).findings] == rules


def test_versions_that_differ() -> None:
    hosts = (
        status(A, version="26.9.2.1"),
        status(B, version="26.8.1.1"),
        status(C, HostState.DOWN, version=""),
    )
    given = snapshot(*hosts, samples={**samples(A), **samples(B)})
    assert (WARNING, "version_differs", "", "hosts run different versions: 26.8.1.1, 26.9.2.1") in found(
        given
    )
    assert [item.rule for item in assess(snapshot(*hosts[1:], samples=samples(B))).findings] == ["host_state"]


def test_thresholds_of_the_profile_hold() -> None:
    from tests.support import replace

    given = one_host(disks=[disk(500)])
    strict = replace(given, thresholds=replace(given.thresholds, disk_used_warning_ratio=0.5))
    assert [rule for _, rule, _, _ in found(strict)] == ["disk_full"]


def test_the_worst_comes_first() -> None:
    given = one_host(
        disks=[disk(800, "z"), disk(800, "a"), disk(990, "m")],
        replication_summary=summed(max_delay_seconds=300, max_queue_entries=1000),
    )
    assert [(level, rule, thing) for level, rule, thing, _ in found(given)] == [
        (CRITICAL, "disk_full", "m"),
        (CRITICAL, "replication_queue", ""),
        (WARNING, "disk_full", "a"),
        (WARNING, "disk_full", "z"),
        (WARNING, "replica_lag", ""),
    ]


def finding(severity: Severity) -> Finding:
    return Finding(severity, "rule", A, "", "wrong")


GAP = Unchecked(A, "disks", "no answer yet")


@pytest.mark.parametrize(
    ("findings", "unchecked", "code"),
    [
        ((), (), 0),
        ((WARNING,), (), 1),
        ((CRITICAL,), (), 2),
        ((WARNING, CRITICAL), (), 2),
        ((), (GAP,), 3),
        ((WARNING,), (GAP,), 3),
        ((CRITICAL,), (GAP,), 2),
    ],
)
def test_exit_codes(findings: tuple[Severity, ...], unchecked: tuple[Unchecked, ...], code: int) -> None:
    made = Assessment(tuple(finding(severity) for severity in findings), unchecked, too_old=(GAP,))
    assert made.exit_code == code


@pytest.mark.parametrize(
    ("sees", "reason"),
    [
        (False, "this user sees only part of the tables: GRANT SHOW ON *.*"),
        (None, "it is not known whether this user sees every table"),
    ],
)
def test_a_user_who_may_be_blind_is_never_told_that_all_is_well(sees: bool | None, reason: str) -> None:
    found = assess(snapshot(status(A, sees_all_tables=sees), samples=samples()))
    assert found.unchecked == (Unchecked(A, "all tables", reason),)
    assert found.exit_code == 3


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (None, "no answer yet"),
        (Sample(), "no answer yet"),
        (Sample(error="hung", failed_at=NOW), "hung"),
        (Sample((disk(1),), NOW, error="hung now", failed_at=NOW), "hung now"),
        (Sample(unavailable="no rights"), "no rights"),
    ],
)
def test_a_probe_without_a_good_answer_is_unchecked(sample: Sample | None, reason: str) -> None:
    given = samples()
    del given[A, "disks"]
    if sample is not None:
        given[A, "disks"] = sample
    assert assess(snapshot(status(A), samples=given)).unchecked == (Unchecked(A, "disks", reason),)


def test_what_a_server_is_too_old_for_is_told_and_does_not_change_the_exit_code() -> None:
    given = {**samples(), (A, "disks"): Sample(unavailable="older than 19.15", is_too_old=True)}
    found = assess(snapshot(status(A), samples=given))
    assert found == Assessment((), (), (Unchecked(A, "disks", "older than 19.15"),))
    assert found.exit_code == 0


def test_a_host_that_does_not_answer_is_a_finding_and_not_also_unchecked() -> None:
    assert assess(snapshot(status(A, HostState.DOWN, sees_all_tables=None))).unchecked == ()


def test_without_any_host_nothing_was_checked() -> None:
    assert assess(snapshot()).unchecked == (
        Unchecked(None, "every host", "no host has told the cluster yet"),
    )
    given = assess(snapshot(error="seed: refused"))
    assert (given.unchecked, given.exit_code) == ((Unchecked(None, "every host", "seed: refused"),), 3)
