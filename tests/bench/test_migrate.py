"""What a migration costs beside the bare statements it is made of, in one run on the embedded 2x2 cluster."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from chtui.clock import SystemClock
from chtui.demo import DemoCluster, DemoOptions
from chtui.migrate import ddl, journal, layout, process, schema, snapshot, spec_file
from chtui.migrate.backfill import works_of
from chtui.migrate.cell import CellWork, plain
from chtui.migrate.facts import PROVEN
from chtui.migrate.hands import Hands
from chtui.migrate.hosts import connect
from chtui.migrate.layout import HOUR_SECONDS, Cell, Ground, Group, Hour, cut
from chtui.migrate.progress import Progress
from chtui.migrate.snapshot import Snapshot
from chtui.migrate.spec import DdlMode, Flavour, Spec
from chtui.migrate.statements import table_name
from chtui.migrate.traits import traits_of
from chtui.records import HostId
from tests.support import rig_of

CHUNKS = 10_000
PLANNING_SECONDS = 2.0
ROWS = int(os.environ.get("CHTUI_BENCH_ROWS", "1000000"))
DAYS = int(os.environ.get("CHTUI_BENCH_DAYS", "10"))
"""Partitions the rows are in: what each costs whatever it holds is no matter in partitions of real size."""
ROUNDS = 3
COPY_TARGET, WHOLE_TARGET, DISTRIBUTED_TARGET = 0.95, 0.75, 1.0
"""What rows a second shall reach: the copies alone, against bare ones; copy, proof and publication against these, and against
one INSERT through the Distributed table."""
WHOLE_FLOOR, DISTRIBUTED_FLOOR = 0.5, 0.45
"""What they must reach on a machine of two cores that is busy otherwise, where reading everything again to prove it is
paid in full; they may get no worse."""


def test_ten_thousand_chunks_are_planned_at_once() -> None:
    hours = [Hour(str(hour // 24), hour * HOUR_SECONDS, str(hour // 24), 100) for hour in range(CHUNKS)]
    began = time.perf_counter()
    groups = cut("logs", {"logs": hours}, {"logs": {}}, 100)
    seconds = time.perf_counter() - began
    print(f"\nplanning {CHUNKS} chunks: {seconds:.3f} s (bound {PLANNING_SECONDS:.0f} s)")
    assert sum(len(group.slices) for group in groups) == CHUNKS
    assert seconds < PLANNING_SECONDS


class Bench(NamedTuple):
    """A demo whose spans are to be migrated, without aggregates; nobody writes."""

    ground: Ground
    query: Callable[[int, str], str]

    def hands(self, name: str) -> Hands:
        return Hands(name, Silence(), Silence())


class Silence:
    """A diary nobody reads and a permit everybody has: the bare statements need neither."""

    generation = 1

    def append(self, kind: str, facts: object) -> int:
        del kind, facts
        return 0

    def check(self) -> None:
        """Everything is allowed."""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with DemoCluster(DemoOptions(rows=ROWS, days=DAYS, load=False)) as demo:
        rig = rig_of(demo)
        source = HostId("127.0.0.1", rig.ports[0])
        spec = traces_only(spec_file.shipped("otel_v2"), source)
        hosts = connect(rig.effective("admin").profile, spec.target.cluster, source)
        schema.ensure(hosts.targets, ddl.objects(spec, traits=traits_of(hosts.targets)))
        yield Bench(layout.lay_out(spec, hosts), rig.query)
        hosts.close()


def traces_only(found: Spec, source: HostId) -> Spec:
    target = replace(found.target, flavour=Flavour.PLAIN, ddl=DdlMode.PER_HOST)
    tables = tuple(table for table in found.tables if table.name == "traces")
    return replace(
        found,
        source=replace(found.source, host=source),
        target=target,
        tables=tables,
        aggregates=(),
        views=(),
        hooks={},
        benchmarks=(),
    )


def bare_copies(bench: Bench) -> float:
    """How long the copies alone take, sent as the run sends them: two groups at a time, all hosts side by side."""
    ground, hands = bench.ground, bench.hands("bare")
    works = works_of(ground, hands, Progress("bare"))
    taken = [
        snapshot.take(hands, ground.hosts.source, ground.spec.source, group) for group in ground.layout.groups
    ]
    made: list[tuple[CellWork, str]] = []

    def copy(cell: Cell, from_: Snapshot) -> None:
        work = CellWork(works[cell.group.table], cell, ground.hosts.host(cell.host))
        for number, piece in enumerate(cell.group.slices):
            name = f"chtui_bare_{hands.tag(cell.name)}_{number}"
            table = ddl.local(plain(ground.spec), work.work.table, name=name).alone()
            work.host.run(table.statement, table.params)
            work.host.run("copy_slice", work.copy_params(name, piece, from_), seconds=600)
            made.append((work, name))

    def group(pair: tuple[Group, Snapshot]) -> None:
        cells = ground.layout.cells(pair[0])
        with ThreadPoolExecutor(len(cells)) as pool:
            list(pool.map(lambda cell: copy(cell, pair[1]), cells))

    began = time.perf_counter()
    with ThreadPoolExecutor(ground.spec.limits.workers) as pool:
        list(pool.map(group, zip(ground.layout.groups, taken, strict=True)))
    seconds = time.perf_counter() - began
    for work, name in made:
        hands.drop(work.host, ground.spec.target.database, name, tag="bare")
    for each in ground.layout.groups:
        snapshot.release(hands, ground.hosts.source, ground.spec.source, each)
    return seconds


class Moments(NamedTuple):
    """When what a run did had happened, in seconds since 1970."""

    copying: float
    """From the first statement that copies to the end of the last, in seconds."""
    proven: float
    """When all of v2 was proven in its place."""


def moments(name: str, directory: Path) -> Moments:
    _, found = journal.read(name, directory=directory)
    events = list(found)
    sent = {
        event.facts["query_id"]: event.at.timestamp()
        for event in events
        if event.kind == "send" and event.facts["statement"].startswith("INSERT")
    }
    done = [
        event.at.timestamp() for event in events if event.kind == "done" and event.facts["query_id"] in sent
    ]
    proven = max(event.at.timestamp() for event in events if event.kind == PROVEN)
    return Moments(max(done) - min(sent.values()), proven)


class Seconds(NamedTuple):
    """How long each way took, in one round."""

    bare: float
    copying: float
    """The copies of the run, with what it does beside them."""
    run: float
    """Until every replica was proven."""
    sealed: float
    """Until everything was read once more for the sealed report."""
    distributed: float
    plain: float


def one_round(bench: Bench, number: int, directory: Path) -> Seconds:
    """All ways one after the other, each into empty tables: the machine is not equally fast for long."""
    ground = bench.ground
    bare = bare_copies(bench)
    name = f"bench{number}"
    began, began_at = time.perf_counter(), time.time()
    process.open_and_carry_out(name, name, ground, SystemClock(), directory=directory)
    sealed = time.perf_counter() - began
    copying, until = moments(name, directory)
    whole = until - began_at
    database = ground.spec.target.database
    renew(bench)
    shape = ground.shapes["traces", "traces"]
    local, through = table_name(database, "traces_local"), table_name(database, "through")
    columns, given = ", ".join(shape.columns), ", ".join(shape.given)
    bench.query(
        0,
        f"CREATE TABLE {through} AS {local} ENGINE = Distributed(appsentry_cluster, {database}, traces_local, cityHash64(TraceId))",
    )
    began = time.perf_counter()
    bench.query(
        0,
        f"INSERT INTO {through} ({columns}) SELECT {given} FROM otel.traces SETTINGS distributed_foreground_insert = 1",
    )
    distributed = time.perf_counter() - began
    renew(bench)
    began = time.perf_counter()
    bench.query(0, f"INSERT INTO {local} ({columns}) SELECT {given} FROM otel.traces")
    plain_seconds = time.perf_counter() - began
    renew(bench)
    return Seconds(bare, copying, whole, sealed, distributed, plain_seconds)


def renew(bench: Bench) -> None:
    """Make v2 anew, with nothing in it."""
    ground = bench.ground
    for server in range(len(ground.hosts.targets)):
        bench.query(server, f"DROP DATABASE `{ground.spec.target.database}` SYNC")
    schema.ensure(ground.hosts.targets, ddl.objects(ground.spec, traits=traits_of(ground.hosts.targets)))


def told(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} x ({', '.join(f'{each:.2f}' for each in ratios)})"


@pytest.mark.timeout(1800)
def test_copy_proof_and_publication(bench: Bench, tmp_path: Path) -> None:
    # At first the servers' memory and caches are new to it, which would flatter what comes later.
    bare_copies(bench)
    rounds = [one_round(bench, number, tmp_path / f"run{number}") for number in range(ROUNDS)]
    whole = [each.bare / each.run for each in rounds]
    distributed = [each.distributed / each.run for each in rounds]
    print(f"\n{ROWS} spans in {DAYS} partitions to 2x2 hosts, seconds:")
    for each in rounds:
        print(
            f"  bare copies {each.bare:.1f}, the run's copies {each.copying:.1f}, the run {each.run:.1f}, {each.sealed:.1f} with everything read once more for its"
            f" sealed report, through the Distributed table {each.distributed:.1f}, into one local table {each.plain:.1f}"
        )
    print(
        f"the run's copies against the bare ones: {told([each.bare / each.copying for each in rounds])}, target {COPY_TARGET} x"
    )
    print(
        f"copy, proof and publication against the bare copies: {told(whole)}, target {WHOLE_TARGET} x, at least {WHOLE_FLOOR} x"
    )
    print(
        f"against one INSERT through the Distributed table: {told(distributed)}, target {DISTRIBUTED_TARGET} x,"
        f" at least {DISTRIBUTED_FLOOR} x"
    )
    print(f"against one plain INSERT on one host: {told([each.plain / each.run for each in rounds])}")
    assert statistics.median(whole) >= WHOLE_FLOOR
    assert statistics.median(distributed) >= DISTRIBUTED_FLOOR
