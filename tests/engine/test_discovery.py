"""What a server did not have when it was first asked, and has later."""

from __future__ import annotations

import pytest

from chtui.monitor import pump
from chtui.monitor.scheduler import Want
from chtui.session import Session, Watch
from tests.support import ModernRig, fast, started, wait_until

WANT = Want("query_percentiles")


def test_a_log_that_is_made_later_is_found(
    modern: ModernRig, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "REDISCOVER_SECONDS", 0.5)
    modern.query(3, "SYSTEM FLUSH LOGS")
    modern.query(3, "DROP TABLE IF EXISTS system.query_log SYNC")
    # Only a reader who asks nothing else: any logged query would have the server make the log anew.
    session = started(fast(modern.effective(), logs=1.0), sessions)
    session.watch("test", Watch(lambda _: None, lambda _: None), (WANT,))

    def sample() -> tuple[bool, str]:
        hosts = session.snapshot.hosts
        found = session.snapshot.sample(hosts[3].id, WANT.key) if len(hosts) == 4 else None
        return (bool(found and found.taken_at), found.unavailable if found else "")

    wait_until(lambda: any(sample()), 30, "an answer of the host, or its refusal")
    modern.query(3, "SELECT 1")
    modern.query(3, "SYSTEM FLUSH LOGS")
    wait_until(lambda: sample() == (True, ""), 30, "the log that has come")
