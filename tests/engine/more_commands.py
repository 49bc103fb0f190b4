"""The README's migrate commands take the demo from v1 to v2, back and forward again, through kills: name this file to pytest to run it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from chtui.demo.client import Client
from chtui.demo.load import password_of
from tests.engine.commands import Command, command
from tests.engine.telemetry import ID, MAPPED
from tests.engine.walking import Walk
from tests.support import wait_until

ADMIN = "admin"
NAME = "walk"
SECONDS = 600.0
LOOK_SECONDS = 240.0
"""A run looks once a lateness for rows that never reached v2."""
TABLES = frozenset(("traces", "logs", "metrics"))
HOOKS = """
[limits]
workers = 4
watermark_after_seconds = 40

[retention]
lateness_seconds = 90

[hook.dual_write_on]
url = "{ingestion}/dual-write"
body = '{{"on": true, "spread_seconds": 60}}'
timeout_seconds = 120

[hook.dual_write_off]
url = "{ingestion}/dual-write"
body = '{{"on": false, "only": "v2"}}'
timeout_seconds = 120

[hook.pause_writers]
url = "{ingestion}/pause"
body = "{{}}"

[hook.resume_writers]
url = "{ingestion}/resume"
body = "{{}}"

[hook.reads_v2]
url = "{backend}/clickhouse-version"
body = '{{"version": "v2"}}'

[hook.reads_v1]
url = "{backend}/clickhouse-version"
body = '{{"version": "v1"}}'

"""
RATES = {
    "rows_per_second": 120,
    "late_ratio": 0.01,
    "late_seconds": 30,
    "early_ratio": 0.001,
    "early_seconds": 30,
    "retry_ratio": 0.01,
    "skew_seconds": [0, 30, -30],
}
"""1 % late, 0.1 % of the future, 1 % retried, clocks half a minute wrong: a row may come a minute after its time."""
ALONE_SECONDS = 5.0
KEPT_DAYS = 13
"""Logs of v2 expire after 14 days: what is older is not compared."""


class Demo:
    """A demo that is a process of its own, and starts again what is killed."""

    def __init__(self, told: Mapping[str, Any], stderr: Path) -> None:
        self.told = told
        self.stderr = stderr
        self._admin = Client(ADMIN, password_of(Path(told["directory"]), ADMIN))

    @property
    def ports(self) -> list[int]:
        return [int(host["http_port"]) for host in self.told["hosts"]]

    def query(self, index: int, text: str) -> str:
        return self._admin.ask(self.ports[index], text, seconds=60)

    def tell(self, path: str, **content: object) -> None:
        url = f"{self.told['services']['ingestion_url']}/{path}"
        answer = httpx.post(url, json=content, trust_env=False, timeout=60)
        assert answer.status_code == 200, answer.text

    def kill(self, *names: str) -> None:
        """Kill nodes and services by what their command lines have, and wait for others in their place."""
        folder = str(self.told["directory"])
        found = [
            int(pid)
            for pid in os.listdir("/proc")
            if pid.isdigit() and any(f"{name}\0{folder}" in _arguments(pid) for name in names)
        ]
        assert len(found) >= len(names), names
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        wait_until(self.is_whole, 120, "everything again after it was killed")

    def is_whole(self) -> bool:
        try:
            return all(
                self.query(index, "SELECT 1").strip() == "1" for index in range(len(self.ports))
            ) and all(
                httpx.get(f"{url}/status", trust_env=False, timeout=5).status_code == 200
                for url in self.told["services"].values()
            )
        except Exception:  # noqa: BLE001 - whatever the clients call a server that is away
            return False

    def rows(self, index: int, source: str, table: str, mapped: Mapping[str, str]) -> Counter[str]:
        """Every row of the last days, as a hash of v1's columns that v2 has too."""
        shared = self.query(
            0,
            f"SELECT name FROM system.columns WHERE database = 'otel' AND table = '{table}' AND name IN "
            f"(SELECT name FROM system.columns WHERE database = 'otel_v2' AND table = '{table}_local') ORDER BY name",
        ).split()
        assert {"Timestamp", "ServiceName"} < set(shared)
        columns = ", ".join(mapped.get(name, f"toString({name})") for name in shared)
        text = (
            f"SELECT {ID[table]}, sipHash64({columns}) FROM {source} "
            f"WHERE toDate(Timestamp) > today() - {KEPT_DAYS} FORMAT TSV"
        )
        return Counter(self.query(index, text).splitlines())


def _arguments(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@contextmanager
def running(chtui: Command, directory: Path) -> Iterator[Demo]:
    """`chtui demo --headless` with services."""
    stderr = chtui.home / "demo.err"
    wanted = ["--headless", "--services", "--restart", "--dir", str(directory), "--rows", "3000"]
    with stderr.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "chtui", "demo", *wanted],
            env=chtui.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        yield Demo(json.loads(process.stdout.readline()), stderr)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
        print(stderr.read_text())
    assert code == 0


def written(run: Walk, demo: Demo) -> None:
    """The spec as `init` writes it, with hooks of these services."""
    host = demo.told["hosts"][0]
    done = run(
        "init", str(run.spec), "--template", "otel_v2", "--source", f"{host['host_name']}:{host['port']}",
        "--engine", "plain", "--ddl", "per_host", "--policy", "tiered_storage",
    )  # fmt: skip
    assert done.code == 0, done
    services = demo.told["services"]
    hooks = HOOKS.format(ingestion=services["ingestion_url"], backend=services["backend_url"])
    text, count = re.subn(
        r"(?s)\[hook\.dual_write_on\].*?(?=\[benchmark\.)", lambda _: hooks, run.spec.read_text()
    )
    assert count == 1
    run.spec.write_text(text)


def assert_equal(demo: Demo) -> None:
    """Every row of every replica is v1's, as often as it is there, once the run has looked again; writers pause meanwhile."""
    demo.tell("pause")
    try:
        wait_until(
            lambda: all(is_equal(demo, table) for table in sorted(TABLES)), LOOK_SECONDS, "the same rows"
        )
    finally:
        demo.tell("resume")


def is_equal(demo: Demo, table: str) -> bool:
    wanted = demo.rows(0, f"otel.{table}", table, MAPPED)
    for replica in (0, 1):
        found = demo.rows(replica, f"otel_v2.{table}_local", table, {})
        found += demo.rows(replica + 2, f"otel_v2.{table}_local", table, {})
        missing, extra = wanted - found, found - wanted
        print(
            f"{table}, replica {replica + 1}: {wanted.total()} rows, {missing.total()} missing, {extra.total()} extra"
        )
        if missing or extra:
            time.sleep(5)
            return False
    return True


@pytest.mark.timeout(3600)
def test_the_demo_by_the_commands_of_the_readme(tmp_path: Path) -> None:
    with command() as chtui, running(chtui, tmp_path / "demo") as demo:
        leading = ("--config", str(demo.told["config_file"]), "-C", "demo")
        run = Walk(chtui, leading, chtui.home / "spec.toml", NAME)
        demo.tell("rates", **RATES)
        written(run, demo)
        checked = run("preflight", str(run.spec))
        assert checked.code == 0, checked.out
        assert json.loads(run("plan", str(run.spec), "--json").out)["flavour"] == "plain"
        with run.under_way():
            wait_until(lambda: len(run.facts.proven) > 20, SECONDS, "some cells")
            run.kill()
            demo.kill("node")
            wait_until(lambda: run.facts.watermarks, SECONDS, "watermarks")
            demo.kill("ingestion", "backend")
            run.kill()
            wait_until(lambda: set(run.facts.sealed) == TABLES, SECONDS, "the seal")
            run.kill()
            wait_until(lambda: run.facts.report is not None, SECONDS, "the report")
            run.there_and_back()
            run.is_verified()
            assert_equal(demo)
            # Some rows reach v1 alone before writers are told to write to v2 alone.
            demo.tell("dual-write", on=False, only="v1")
            time.sleep(ALONE_SECONDS)
            run.out_and_back()
            assert_equal(demo)
            assert run("abort", NAME).code == 0
