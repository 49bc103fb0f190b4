"""The demo's services as programs: what they refuse, what they cannot vouch for, and that they end with the demo."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from chtui.demo import DemoCluster, DemoOptions
from chtui.demo.record import RECORD
from chtui.errors import DemoError
from tests.engine.telemetry import ANCHOR, calmed
from tests.support import wait_until

HEADLESS = """
import sys
from datetime import date
from chtui.demo.options import DemoOptions
from chtui.demo.run import headless
sys.exit(headless(DemoOptions(1, 1, rows=50, days=1, anchor=date(2026, 3, 1), load=False, services=True), sys.stdout))
"""


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoCluster]:
    """One host with services."""
    with DemoCluster(DemoOptions(1, 1, rows=50, days=1, anchor=ANCHOR, load=False, services=True)) as cluster:
        yield cluster


@pytest.mark.parametrize(
    ("request_text", "status", "said"),
    [
        ("GET /nothing HTTP/1.0\r\nHost: 127.0.0.1:1\r\n\r\n", 404, "no such path"),
        ("GET /pause HTTP/1.0\r\nHost: 127.0.0.1:1\r\n\r\n", 405, "POST only"),
        ("GET /status HTTP/1.0\r\nHost: evil.example:1\r\n\r\n", 403, "on this machine"),
        (
            "POST /pause HTTP/1.0\r\nHost: localhost:1\r\nOrigin: http://evil.example\r\n\r\n",
            403,
            "on this machine",
        ),
        ("POST /rates HTTP/1.0\r\nHost: 127.0.0.1:1\r\nContent-Length: 99999999\r\n\r\n", 413, "larger than"),
        (
            "POST /rates HTTP/1.1\r\nHost: 127.0.0.1:1\r\nTransfer-Encoding: chunked\r\n\r\n",
            411,
            "Content-Length",
        ),
        ("'; DROP TABLE otel.traces; -- \x1b[31m\r\n\r\n", 400, "malformed"),
    ],
)
def test_what_is_not_answered(demo: DemoCluster, request_text: str, status: int, said: str) -> None:
    assert demo.info.services is not None
    host, _, port = demo.info.services.ingestion_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request_text.encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    head, _, body = answer.rpartition("\r\n\r\n")
    assert f" {status} " in head.splitlines()[0]
    assert said in json.loads(body)["error"]
    assert "evil" not in answer
    assert "DROP" not in answer


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("rates", "{", "no JSON"),
        ("rates", "[" * 5000, "no JSON"),
        ("rates", "[]", "no JSON object"),
        ("rates", '{"rows_per_second": NaN}', "from 0 to 100000"),
        ("rates", '{"rows_per_second": 1, "' + "x" * 100 + '": 1}', "unknown rate"),
        ("dual-write", "{}", "on is true or false"),
        ("dual-write", '{"on": false, "only": "v3"}', "only is v1 or v2"),
        ("dual-write", '{"on": true, "spread_seconds": -1}', "spread_seconds is a number from 0 to 3600"),
        ("pause", '{"timeout_seconds": "1; DROP"}', "timeout_seconds is a number"),
        ("resume", '{"now": true}', "unknown key"),
    ],
)
def test_what_is_not_obeyed(demo: DemoCluster, path: str, body: str, said: str) -> None:
    assert demo.info.services is not None
    url = demo.info.services.ingestion_url
    before = httpx.get(f"{url}/status", trust_env=False).json()
    answer = httpx.post(f"{url}/{path}", content=body, trust_env=False)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    after = httpx.get(f"{url}/status", trust_env=False).json()
    for name in ("rates", "writes_to", "state"):
        assert after[name] == before[name]


def test_a_pause_that_cannot_be_vouched_for_says_so(demo: DemoCluster) -> None:
    tell = calmed(demo)
    demo.nodes[0].suspend()
    try:
        wait_until(lambda: tell()["in_flight"] > 0)
        assert demo.info.services is not None
        url = f"{demo.info.services.ingestion_url}/pause"
        answer = httpx.post(url, json={"timeout_seconds": 0.3}, trust_env=False)
        assert answer.status_code == 503
        assert "in flight" in answer.json()["error"]
        assert tell()["state"] == "pausing"
    finally:
        demo.nodes[0].resume()
    assert tell("pause")["state"] == "paused"


def test_services_end_with_the_demo_however_it_ends() -> None:
    process = subprocess.Popen([sys.executable, "-c", HEADLESS], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        url = told["services"]["ingestion_url"]
        pid = httpx.get(f"{url}/status", trust_env=False).json()["pid"]
        assert pid in told["pids"]
        assert (
            httpx.get(told["services"]["backend_url"] + "/status", trust_env=False).json()["pid"]
            in told["pids"]
        )
        os.kill(pid, signal.SIGSTOP)
    finally:
        process.kill()
        process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in told["pids"]), 30)
    assert not Path(told["directory"]).exists()


def test_without_being_asked_for_there_are_none() -> None:
    with pytest.raises(DemoError, match="there cannot be 17 writers"):
        DemoCluster(DemoOptions(services=True, writers=17)).start()
    with DemoCluster(DemoOptions(1, 1, rows=10, days=1, load=False)) as plain:
        assert plain.info.services is None
        assert json.loads(plain.info.as_json())["services"] is None
        assert not (plain.info.directory / RECORD).exists()
