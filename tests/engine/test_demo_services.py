"""What the demo runs beside its nodes: the live load, and ZooKeeper."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chtui.demo import DemoCluster, DemoOptions, zookeeper
from chtui.errors import DemoError


def wait_until(seen: Callable[[], bool], seconds: float) -> None:
    """Wait until `seen()` is true."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, "not seen in time"
        time.sleep(0.2)


def test_the_load_keeps_going_when_a_host_hangs() -> None:
    with DemoCluster(DemoOptions(2, 1, rows=500, days=3)) as demo:
        users = (
            "SELECT arrayStringConcat(arraySort(groupUniqArray(user)), ',') FROM system.query_log"
            " WHERE user IN ('analyst', 'appsentry-backend', 'telemetry-ingestion') AND type = 'QueryFinish'"
        )

        def of_now(table: str) -> int:
            return int(
                demo.query(0, f"SELECT count() FROM otel.{table} WHERE Timestamp > now() - INTERVAL 1 MINUTE")
            )

        wait_until(lambda: of_now("traces") > 0 and of_now("logs") > 0, 20)
        demo.nodes[1].suspend()
        before = of_now("traces")
        wait_until(lambda: of_now("traces") > before, 15)
        demo.nodes[1].resume()
        wait_until(lambda: of_now("metrics") > 0, 25)

        def seen(sql: str) -> str:
            demo.query(0, "SYSTEM FLUSH LOGS")
            return demo.query(0, sql).strip()

        failed = "SELECT uniqExact(exception_code) FROM system.query_log WHERE exception_code IN (43, 47, 60) AND user IN ('analyst', 'appsentry-backend')"
        slow = "SELECT count() FROM system.query_log WHERE type = 'QueryFinish' AND user = 'analyst' AND query_duration_ms > 1500"
        wait_until(lambda: seen(users) == "analyst,appsentry-backend,telemetry-ingestion", 20)
        wait_until(lambda: int(seen(failed)) >= 1 and int(seen(slow)) >= 1, 30)
        unexpected = [
            line
            for line in (demo.info.directory / "load.log").read_text().splitlines()
            if "s1r1 quick" in line or "s1r1 slow" in line
        ]
        assert unexpected == []


def test_zookeeper_and_its_read_only_tables() -> None:
    with DemoCluster(DemoOptions(1, 2, rows=10, days=3, load=False, zookeeper=True)) as demo:
        host, port = demo.info.zookeeper.split(":")
        assert host == "127.0.0.1"
        assert int(port) > 0
        for node in demo.nodes:
            tables = "SELECT table, is_readonly, total_replicas FROM system.replicas ORDER BY table"
            assert demo.query(node, tables, "oncall").split() == [
                *("replicated_orders", "1", "2"),
                *("replicated_sessions", "1", "2"),
            ]
        java = [
            int(p.name)
            for p in Path("/proc").iterdir()
            if p.name.isdigit() and f"{demo.info.directory}/zookeeper/zoo.cfg" in cmdline(p)
        ]
        assert len(java) == 1
    assert not Path(f"/proc/{java[0]}").exists()


def cmdline(process: Path) -> str:
    """Return a process's command line, empty when it has gone."""
    try:
        return (process / "cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_without_zookeeper_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zookeeper, "JARS", (Path("/nowhere/zookeeper.jar"),))
    with pytest.raises(DemoError) as caught:
        DemoCluster(DemoOptions(zookeeper=True)).start()
    assert "ZooKeeper is not installed: no /nowhere/zookeeper.jar" in caught.value.line
    assert "apt-get install" in caught.value.fix
