"""`chtui migrate run` and the verbs that ask it, each a process of its own, on a small v1 of the embedded cluster."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chtui.clock import SystemClock
from chtui.demo.selftest.oracle import clean, prepare
from chtui.migrate import sealed_report
from chtui.migrate.facts import DUAL_WRITE
from chtui.migrate.journal import Journal
from tests.engine.commands import Command, Done, command
from tests.faults.comparing import assert_exact
from tests.rigs.migrating import SPEC, Case
from tests.support import ModernRig, wait_until

SHARDS = ((0, 1), (2, 3))
BENCHMARK = """[benchmark.kinds]
v1 = "SELECT kind, count() FROM {source_database}.events GROUP BY kind"
v2 = "SELECT kind, count() FROM {database}.events GROUP BY kind"
"""
RUN_SECONDS = 120.0
LATENESS_SECONDS = 600.0
SECONDS_A_ROW = 0.15
TARGETS = (1, 2, 3)
"""The servers that are none of v1's."""
MOVING = (
    "SELECT count() FROM system.processes WHERE initial_query_id LIKE 'chtui-%migrate%' "
    "AND (query LIKE 'INSERT%' OR (query LIKE 'SELECT%' AND elapsed > 2))"
)
COPYING = "SELECT count() FROM system.processes WHERE query_id LIKE 'chtui-migrate-%' AND query LIKE 'INSERT%' AND elapsed > 1"


@dataclass(frozen=True)
class Small:
    """A small migration, by its command alone."""

    rig: ModernRig
    command: Command
    name: str
    spec: Path
    case: Case

    def __call__(self, verb: str, *arguments: str, seconds: float = RUN_SECONDS) -> Done:
        """One verb, with the spec or the run's name first."""
        first = str(self.spec) if verb in ("run", "verify") else self.name
        return self.command("migrate", verb, first, *arguments, seconds=seconds)

    @property
    def folder(self) -> Path:
        """The run's."""
        return self.command.home / "state" / "chtui" / "migrate" / self.name

    def takeover(self, *arguments: str) -> Done:
        return self("takeover", str(self.spec), "--yes", *arguments)

    def begin(self) -> subprocess.Popen[str]:
        return self.command.start("migrate", "run", str(self.spec), "--yes")

    def status(self) -> dict[str, Any]:
        done = self("status", "--json")
        found: dict[str, Any] = json.loads(done.out) if done.out else {"stage": done.err, "cells": {}}
        return found

    def until(
        self, seen: Callable[[dict[str, Any]], object], what: str, seconds: float = 60
    ) -> dict[str, Any]:
        """The first status of which something is true."""

        def look() -> dict[str, Any] | None:
            found = self.status()
            return found if found.get("schema") and seen(found) else None

        found: dict[str, Any] = wait_until(look, seconds, what)
        return found

    def on_all(self, statement: str) -> list[str]:
        return [self.rig.query(server, statement).strip() for server in range(4)]

    def rows(self, table: str) -> int:
        return sum(
            int(self.rig.query(shard[0], f"SELECT count() FROM {self.name}_v2.{table}")) for shard in SHARDS
        )

    def is_exact(self) -> None:
        assert_exact(self.case, self.rig.query, SHARDS)


@contextmanager
def small(rig: ModernRig, name: str, change: Callable[[str], str] = lambda text: text) -> Iterator[Small]:
    """A small v1, and a command that leads to it."""
    case = Case(
        name=name,
        directory="",
        addresses=rig.addresses(),
        seeds=rig.http_ports,
        source_port=rig.ports[0],
        user="admin",
        password=rig.password("admin"),
    )
    with command() as made:
        made.profile(rig, "admin")
        text = SPEC.read_text()
        for old, new in (
            ('name = "small"', f'name = "{name}"'),
            ("127.0.0.1:1", f"127.0.0.1:{rig.ports[0]}"),
            ('database = "v1"', f'database = "{name}_v1"'),
            ('database = "v2"', f'database = "{name}_v2"'),
        ):
            assert old in text
            text = text.replace(old, new)
        path = made.home / "spec.toml"
        path.write_text(change(text))
        prepare(case, rig.query)
        try:
            yield Small(rig, made, name, path, case)
        finally:
            clean(case, rig.query, 4)


def is_copied(status: dict[str, Any]) -> bool:
    """Whether every cell is done, one way or another."""
    return not any(status["cells"][state] for state in ("planned", "copying", "failed"))


def ended(process: subprocess.Popen[str], seconds: float = RUN_SECONDS) -> Done:
    """How a command ended that was begun."""
    out, err = process.communicate(timeout=seconds)
    return Done(process.returncode, out, err)


@contextmanager
def begun(run: Small) -> Iterator[tuple[subprocess.Popen[str], Callable[[], object]]]:
    """A run whose copies take long, with one of them under way, and what makes them fast again.

    Its spec must be `paced`. Neither preflight nor v1's own digests are slow.
    """
    function = f"CREATE OR REPLACE FUNCTION {run.name}_pace AS x -> "
    run.on_all(f"{function} x")
    process = run.begin()
    try:
        wait_until(lambda: process.poll() is not None or run("status").code == 0, 60, "its process")
        for server in TARGETS:
            run.rig.query(server, f"{function} if(sleepEachRow({SECONDS_A_ROW}) = 0, x, '')")
        wait_until(
            lambda: process.poll() is not None or any(int(number) for number in run.on_all(COPYING)),
            60,
            "a copy",
        )
        assert process.poll() is None, process.communicate()
        yield process, lambda: run.on_all(f"{function} x")
    finally:
        process.kill()
        process.wait()
        run.on_all(f"DROP FUNCTION {run.name}_pace")


def paced(name: str) -> Callable[[str], str]:
    """A spec whose reading of v1 takes as long as a function says, which every server has for itself."""

    def change(text: str) -> str:
        old = 'kind = "lower(kind)"'
        assert old in text
        return text.replace(old, f'kind = "{name}_pace(lower(kind))"')

    return change


def test_a_run_ends_exact_and_tells_what_it_is(modern: ModernRig) -> None:
    with small(modern, "whole", lambda text: f"{text}\n{BENCHMARK}") as run:
        plan = run.command("migrate", "plan", str(run.spec), "--json")
        path = run.command.home / "plan.json"
        path.write_text(plan.out)
        done = run("run", "--yes", "--plan", str(path), "--json")
        assert done.code == 0, done.err
        assert f"plan {json.loads(plan.out)['hash']}" in done.err
        last = json.loads(done.out.splitlines()[-1])
        assert last["cells"]["proven"] == sum(last["cells"].values()) > 0
        assert last["rows"] == last["rows_done"]
        assert last["plan_hash"] == json.loads(plan.out)["hash"]
        run.is_exact()
        sealed = sealed_report.read(run.folder / sealed_report.FILE_NAME)
        assert (sealed["exact"], sealed["plan_hash"]) == ("exact", last["plan_hash"])
        assert {check["state"] for check in (*sealed["hours"], *sealed["aggregates"])} == {"equal"}
        assert {each["host"] for each in sealed["hours"]} == {f"127.0.0.1:{port}" for port in modern.ports}
        (timed,) = sealed["benchmarks"]
        assert (timed["v1"]["runs"], timed["v2"]["runs"], timed["v2"]["error"]) == (3, 3, "")
        told = run("status", "--json")
        assert told.code == 3
        status = json.loads(told.out)
        assert status["report"]["path"] == str(run.folder / sealed_report.FILE_NAME)
        assert status["report"]["is_proof"]
        assert (status["is_running"], status["cells"]["proven"]) == (False, last["cells"]["proven"])
        assert any("let go of it" in note for note in status["notes"])
        assert run("pause").refusal() == f"{run.name}: no run is up; start it with chtui migrate run"
        again = run("run", "--yes")
        assert (again.code, f"done, {last['rows']} of {last['rows']} rows" in again.out) == (0, True), again
        assert f"report: {run.folder / sealed_report.FILE_NAME}: exact; made" in again.out
        verified = run(
            "verify", "--report", str(run.command.home / "report.json"), "--benchmarks", "--times", "1"
        )
        assert verified.code == 0, verified.out
        assert "verdict: equal" in verified.out
        assert "of 1 run; " in verified.out


def test_a_plan_that_is_not_current_is_refused(modern: ModernRig) -> None:
    with small(modern, "stale") as run:
        path = run.command.home / "plan.json"
        path.write_text(run.command("migrate", "plan", str(run.spec), "--json").out)
        modern.query(0, f"INSERT INTO {run.name}_v1.clicks SELECT * FROM {run.name}_v1.clicks LIMIT 3")
        done = run("run", "--yes", "--plan", str(path))
        assert done.code == 1
        assert "not as planned any more: clicks 2026" in done.err
        assert modern.query(1, f"SELECT count() FROM system.databases WHERE name = '{run.name}_v2'") == "0\n"
        asked = run("run")
        assert asked.code == 2
        assert "give --yes" in asked.err


def test_blockers_are_shown_and_nothing_is_begun(modern: ModernRig) -> None:
    with small(
        modern, "blocked", lambda text: text.replace("[target]", '[target]\npolicy = "none_such"')
    ) as run:
        done = run("run", "--yes")
        assert done.code == 1
        assert "blocker  policy none_such" in done.err
        assert run("status").code == 2, "there is no journal"


def test_a_pause_stops_a_copy_within_five_seconds_and_loses_nothing(modern: ModernRig) -> None:
    with small(modern, "paused", paced("paused")) as run, begun(run) as (process, hurry):
        assert run("set", "workers=1", "chunk_rows=50").code == 0
        began = time.monotonic()
        assert run("pause").code == 0
        wait_until(lambda: set(run.on_all(MOVING)) == {"0"}, 10, "quiet")
        assert time.monotonic() - began < 5.0
        time.sleep(1)  # what was stopped has failed by now, and waits
        status = run.status()
        assert (status["held_up_by"], status["last_error"], status["cells"]["failed"]) == (
            "paused",
            "",
            0,
        )
        assert (status["workers"], status["chunk_rows"]) == (1, 50)
        proven = status["cells"]["proven"]
        assert set(run.on_all(MOVING)) == {"0"}
        hurry()
        assert run("resume").code == 0
        run.until(lambda found: found["cells"]["proven"] > proven, "more of it")
        done = ended(process)
        assert done.code == 0, done.err
        run.is_exact()


def test_a_process_that_is_killed_is_followed_by_another(modern: ModernRig) -> None:
    with small(modern, "killed", paced("killed")) as run, begun(run) as (process, hurry):
        second = run("run", "--yes")
        assert second.code == 4
        assert f"process {process.pid} carries it out" in second.refusal()
        process.kill()
        process.wait()
        assert run("status").code == 3
        hurry()
        done = run("run")
        assert done.code == 0, done.err
        run.is_exact()


@pytest.mark.parametrize("how", ["abort", "SIGINT"])
def test_a_run_that_was_ended_goes_on(modern: ModernRig, how: str) -> None:
    name = f"ended_{how.lower()}"
    with small(modern, name, paced(name)) as run, begun(run) as (process, hurry):
        if how == "abort":
            assert run("abort").code == 0
        else:
            process.send_signal(getattr(signal, how))
        done = ended(process, 60)
        assert done.code == (5 if how == "abort" else 130)
        assert done.err.splitlines()[-1].startswith(f"chtui: {name}: ended before ")
        assert "chtui migrate run goes on" in done.err
        # v1's server learns from a copy's end that nobody reads its rows any more.
        wait_until(lambda: set(run.on_all(MOVING)) == {"0"}, 20, "what moved rows to end")
        notes = json.loads(run("status", "--json").out)["notes"]
        assert any("let go of it" in note for note in notes)
        hurry()
        assert run("run").code == 0
        run.is_exact()


def test_what_is_skipped_is_never_called_exact(modern: ModernRig) -> None:
    with small(modern, "skipping", paced("skipping")) as run, begun(run) as (process, hurry):
        assert run("skip", "clicks 209901").code == 2
        done = run("skip", "clicks 202601", "--json")
        assert done.code == 0, done.err
        assert len(json.loads(done.out)["skipped"]) == 4
        hurry()
        done = ended(process)
        assert done.code == 1
        assert "skipped, and so not in v2: clicks 202601" in done.err
        assert run.rows("clicks_local") < int(modern.query(0, f"SELECT count() FROM {run.name}_v1.clicks"))
        assert run("verify", "--table", "clicks").code == 1
        assert run("verify", "--table", "events").code == 0
        status = run.status()
        assert len(status["skipped"]) == 4
        assert (
            "4 cells skipped: v2 lacks their rows, and nothing this run says of itself can be exact"
            in status["notes"]
        )


def test_a_row_that_is_gone_is_found(modern: ModernRig) -> None:
    with small(modern, "verified") as run:
        assert run("run", "--yes").code == 0
        modern.query(
            1, "ALTER TABLE verified_v2.events_local DELETE WHERE id = '7' SETTINGS mutations_sync = 1"
        )
        modern.query(
            0, "ALTER TABLE verified_v2.events_local DELETE WHERE id = '7' SETTINGS mutations_sync = 1"
        )
        modern.query(
            2, "ALTER TABLE verified_v2.events_local DELETE WHERE id = '7' SETTINGS mutations_sync = 1"
        )
        modern.query(
            3, "ALTER TABLE verified_v2.events_local DELETE WHERE id = '7' SETTINGS mutations_sync = 1"
        )
        path = run.command.home / "report.json"
        # A wizard killed between seal and report makes it when it is started again.
        (run.folder / sealed_report.FILE_NAME).unlink()
        red = run("run", "--yes")
        assert red.code == 1
        assert "not exact: differs" in red.out
        assert "not proven" in red.err
        assert not run.status()["report"]["is_proof"]
        done = run("verify", "--table", "events", "--report", str(path))
        assert done.code == 1
        assert "missing" in done.out
        assert "verdict: differs" in done.out
        assert json.loads(path.read_text())["verdict"] == "differs"
        early = run("verify", "--table", "events", "--until", "2026-01-30T00:00:00Z")
        assert early.code == 0, early.out
        assert run("verify", "--until", "yesterday").code == 2
        with Journal.open(run.name, None, SystemClock(), directory=run.folder) as journal:
            journal.append(DUAL_WRITE, {"is_on": True, "clock_seconds": 1_769_760_000.0})
            journal.append(DUAL_WRITE, {"is_on": False, "clock_seconds": 1_769_760_000.0 + LATENESS_SECONDS})
        live = run("verify", "--table", "events")
        assert live.code == 0, "up to 08:00 on the first day, as far as both were written"
        assert (
            "both v1 and v2 are written, or were: rows of before 2026-01-30T08:00:00Z are compared"
            in live.err
        )
        assert "compared up to 2026-01-30T08:00:00Z: rows of later may still come" in live.out
        assert run("verify", "--table", "events", "--until", "2026-05-30T00:00:00Z").code == 1, (
            "as it was told"
        )


def test_cleanup_leaves_nothing_of_its_own_and_nothing_foreign_goes(modern: ModernRig) -> None:
    with small(modern, "cleaned") as run:
        assert run("run", "--yes").code == 0
        modern.query(0, "CREATE TABLE cleaned_v2.of_others (x UInt8) ENGINE = Memory")
        assert run("cleanup", str(run.spec)).code == 2, "it asks"
        done = run("cleanup", str(run.spec), "--yes")
        assert done.code == 0, done.err
        assert run.rows("events_local") > 0
        leases = "SELECT count() FROM system.tables WHERE name LIKE 'chtui_%cleaned%'"
        assert set(run.on_all(leases)) == {"0"}
        done = run("cleanup", str(run.spec), "--yes", "--drop-target")
        assert done.code == 0, done.err
        assert "of_others is none of the spec" in done.out
        tables = "SELECT count() FROM system.tables WHERE database = 'cleaned_v2'"
        assert run.on_all(tables) == ["1", "0", "0", "0"], done.out
