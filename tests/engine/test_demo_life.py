"""The life of demos and their directories: kept, resumed, killed, side by side."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from chtui.demo import DemoCluster, DemoOptions, data
from chtui.demo.directory import STATE
from chtui.demo.ports import HeldPorts
from chtui.errors import DemoError

ANCHOR = date(2026, 3, 1)
HASH = "SELECT count(), sum(cityHash64(*)) FROM otel.{table}"
HEADLESS = """
import sys
from pathlib import Path
from chtui.demo.options import DemoOptions
from chtui.demo.run import headless
directory = Path(sys.argv[1]) if sys.argv[1] else None
sys.exit(headless(DemoOptions(1, 1, directory, rows=int(sys.argv[2]), days=int(sys.argv[4]), load=sys.argv[3] == "load", restart="restart" in sys.argv), sys.stdout))
"""


def small(**more: Any) -> DemoOptions:
    """Return options for the smallest demo."""
    return DemoOptions(
        **{"shards": 1, "replicas": 1, "rows": 500, "days": 3, "anchor": ANCHOR, "load": False, **more}
    )


def hashes(demo: DemoCluster) -> list[str]:
    """Return count and hash of each telemetry table."""
    return [demo.query(0, HASH.format(table=table)) for table in ("traces", "logs", "metrics")]


def gone(pid: int) -> bool:
    """Tell whether no process has this pid, or only a dead one nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(seen: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait until `seen()` is true."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, "not seen in time"
        time.sleep(0.05)


@contextmanager
def headless(
    directory: Path | None, rows: int = 500, load: str = "", days: int = 3, more: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """Run a headless demo in a process of its own."""
    arguments = [str(directory or ""), str(rows), load, str(days), more]
    process = subprocess.Popen(
        [sys.executable, "-c", HEADLESS, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the line of JSON and return it."""
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(process.stdout.readline())
    return found


def test_the_same_seed_gives_the_same_data_and_another_does_not(tmp_path: Path) -> None:
    with (
        DemoCluster(small(seed=1)) as one,
        DemoCluster(small(seed=1)) as same,
        DemoCluster(small(seed=2)) as other,
    ):
        assert hashes(one) == hashes(same)
        for mine, others in zip(hashes(one), hashes(other), strict=True):
            assert mine.split()[0] == others.split()[0]
            assert mine.split()[1] != others.split()[1]
        ports = [
            port for demo in (one, same, other) for node in demo.nodes for port in (node.port, node.http_port)
        ]
        assert len(set(ports)) == len(ports)
        directories = [demo.info.directory for demo in (one, same, other)]
    assert not any(directory.exists() for directory in directories)


def test_a_kept_directory_is_resumed_and_not_filled_twice(tmp_path: Path) -> None:
    directory = tmp_path / "with blanks & 'quotes' ü"
    with DemoCluster(small(directory=directory)) as demo:
        before, ports, secret = (
            hashes(demo),
            [demo.nodes[0].port, demo.nodes[0].http_port],
            demo.password("oncall"),
        )
        demo.query(0, "DROP TABLE otel.metrics SYNC")
        with pytest.raises(DemoError, match=f"pid {os.getpid()}"):
            DemoCluster(small(directory=directory)).start()
    with DemoCluster(DemoOptions(directory=directory, load=False)) as demo:
        assert [demo.query(0, HASH.format(table=table)) for table in ("traces", "logs")] == before[:2]
        assert [demo.nodes[0].port, demo.nodes[0].http_port] == ports
        assert demo.password("oncall") == secret
        assert demo.query(0, "EXISTS otel.metrics") == "0\n", "what was dropped on purpose stays dropped"
        pids = demo.info.pids
    assert all(gone(pid) for pid in pids)
    with (
        socket.create_server(("127.0.0.1", ports[1])),
        DemoCluster(DemoOptions(directory=directory, load=False)) as demo,
    ):
        assert demo.nodes[0].port == ports[0]
        assert demo.nodes[0].http_port != ports[1]
        assert demo.query(0, HASH.format(table="traces")) == before[0]


def test_a_port_that_is_snatched_away_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snatched: list[socket.socket] = []
    release = HeldPorts.release

    def snatch(self: HeldPorts) -> None:
        release(self)
        if not snatched:
            snatched.append(socket.create_server(("127.0.0.1", self.ports["s1r1.tcp"])))

    monkeypatch.setattr(HeldPorts, "release", snatch)
    said: list[str] = []
    with DemoCluster(small(rows=10), say=said.append) as demo:
        assert demo.nodes[0].port != snatched[0].getsockname()[1]
        assert any("a port was taken" in line for line in said)
    snatched[0].close()


def test_nothing_survives_a_killed_parent_and_the_directory_heals(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    with headless(directory, load="load") as process:
        pids = ready(process)["pids"]
        assert len(pids) == 3
        assert not any(gone(pid) for pid in pids)
        os.kill(pids[0], signal.SIGSTOP)
        process.kill()
        process.wait()
        start = time.monotonic()
        # at once: the old processes are on their way out, the suspended one is not
        with DemoCluster(DemoOptions(directory=directory, load=False)) as demo:
            assert all(gone(pid) for pid in pids)
            assert time.monotonic() - start < 30
            assert int(demo.query(0, "SELECT count() FROM otel.logs")) >= 500
            fresh = "SELECT count() FROM otel.traces WHERE Timestamp < toStartOfDay(now(), 'UTC')"
            assert demo.query(0, fresh) == "500\n"


def test_a_killed_parents_temporary_directory_goes_away_too() -> None:
    with headless(None) as process:
        told = ready(process)
        assert Path(told["directory"]).exists()
        os.kill(told["hosts"][0]["pid"], signal.SIGSTOP)
        process.kill()
        process.wait()
        wait_until(lambda: all(gone(pid) for pid in told["pids"]) and not Path(told["directory"]).exists())


def test_a_fill_that_was_cut_short_is_finished_without_doubling(tmp_path: Path) -> None:
    directory = tmp_path / "demo"
    with headless(directory, rows=3000, days=90) as process:
        wait_until(lambda: any((directory / "s1r1" / "data" / "data" / "otel" / "traces").glob("2*")), 30)
        process.kill()
        process.wait()
    marked = json.loads((directory / STATE).read_text())["filled"]
    assert "s1r1 otel.metrics" not in marked, "the kill came too late to prove anything"
    with DemoCluster(DemoOptions(directory=directory, load=False)) as demo:
        assert [line.split()[0] for line in hashes(demo)] == ["3000", "3000", "1500"]
        assert demo.query(0, "SELECT uniqExact(TraceId, SpanId) FROM otel.traces") == "3000\n"
        assert demo.query(0, "SELECT count() FROM demo.events_all") == "600\n"


def test_a_failing_start_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "REPLICATED", ())
    broken = small(directory=tmp_path)
    with DemoCluster(broken) as demo:
        config = demo.nodes[0].directory
    (config / "data" / "metadata" / "otel.sql").write_text("nonsense")
    cluster = DemoCluster(DemoOptions(directory=tmp_path, load=False))
    with pytest.raises(DemoError, match="ended while starting") as caught:
        cluster.start()
    assert "s1r1" in caught.value.where
    cluster.stop()
    with pytest.raises(DemoError, match="not running"):
        _ = cluster.info


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_headless_ends_cleanly_on_a_signal(number: signal.Signals, code: int) -> None:
    with headless(None, rows=50, load="load") as process:
        told = ready(process)
        os.kill(told["hosts"][0]["pid"], signal.SIGKILL)
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        died = next(line for line in lines if "killed by" in line)
        assert f"node s1r1 (127.0.0.1:{told['hosts'][0]['http_port']}): killed by SIGKILL" in died
        process.send_signal(number)
        assert process.wait(30) == code
        assert all(gone(pid) for pid in told["pids"])
        assert not Path(told["directory"]).exists()
        assert process.stdout is not None
        assert process.stdout.read() == ""


def test_headless_starts_a_killed_node_again(tmp_path: Path) -> None:
    with headless(tmp_path / "demo", more="restart") as process:
        (host,) = ready(process)["hosts"]
        os.kill(host["pid"], signal.SIGKILL)
        wait_until(lambda: gone(host["pid"]))

        def answers() -> bool:
            try:
                return httpx.get(f"http://127.0.0.1:{host['http_port']}/ping", trust_env=False).is_success
            except httpx.TransportError:
                return False

        wait_until(answers, 30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_headless_ends_while_it_starts() -> None:
    with headless(None, rows=200_000, days=90) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert next(line for line in lines if "filling" in line)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert "stopped while starting" in process.stderr.read()


def test_without_the_engine_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(DemoError) as caught:
        DemoCluster().start()
    assert "pip install 'chtui[demo]'" in caught.value.line


def test_the_parent_never_imports_the_engine_or_textual() -> None:
    script = "import sys, chtui.demo, chtui.demo.run; print([m for m in ('chdb', 'textual', 'httpx') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
