"""What tests of the cutover share: a small migration that is done and sealed, with its journal and its lease, in this process."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from chtui.clock import SystemClock
from chtui.demo.selftest.oracle import EVENTS_V1, EVENTS_V2, Query, clean, prepare, rows_of
from chtui.errors import ChtuiError
from chtui.migrate import ddl, facts, layout, schema
from chtui.migrate.backfill import Backfill
from chtui.migrate.cutover.server import now_seconds
from chtui.migrate.hands import Hands
from chtui.migrate.journal import Journal
from chtui.migrate.layout import Ground
from chtui.migrate.lease import Heartbeat, Lease
from chtui.migrate.lease_records import myself
from chtui.migrate.progress import Progress
from chtui.migrate.spec import Hook, SourceTable, Spec
from chtui.migrate.stand import Stand
from chtui.migrate.traits import traits_of
from tests.rigs.migrating import Case
from tests.support import ModernRig

HASH = "0" * 64
RECENT = (
    "INSERT INTO {database}.events SELECT now() - 5400 + number * 30, toString(number), ['Red', 'green', 'BLUE'][number % 3 + 1], "
    "number / 4, NULL FROM numbers(180)"
)
"""Rows of the last hour and a half, until now."""
INVERSE = {"kind": "transform(toString(kind), ['red', 'green', 'blue'], ['Red', 'GREEN', 'blue'])"}


class Standing(NamedTuple):
    """A migration and its run."""

    case: Case
    stand: Stand
    journal: Journal
    lease: Lease
    beat: Heartbeat
    ask: Query

    @property
    def facts(self) -> facts.Facts:
        return self.stand.facts()

    def query(self, index: int, text: str) -> str:
        """A server's answer; `v1.` and `v2.` stand for the case's databases."""
        text = re.sub(r"\bv1\.", f"{self.case.source_database}.", text)
        return self.ask(index, re.sub(r"\bv2\.", f"{self.case.target_database}.", text)).rstrip("\n")

    def note(self, kind: str, **told: Any) -> None:
        """Write down that something has come about."""
        self.journal.append(kind, told)

    def kinds(self, kind: str) -> list[Mapping[str, Any]]:
        """What the journal says of a kind."""
        return [event.facts for event in self.journal.events() if event.kind == kind]

    def with_spec(self, **changes: Any) -> Standing:
        """The same migration with another spec."""
        ground = self.stand.ground
        return self._replace(
            stand=self.stand._replace(ground=ground._replace(spec=replace(ground.spec, **changes)))
        )

    def with_hooks(self, **hooks: Hook) -> Standing:
        """The same migration with other hooks."""
        return self.with_spec(hooks=hooks)

    def now(self) -> float:
        """v1's clock."""
        return now_seconds(self.stand.ground.hosts.source)

    def forget_queries(self) -> None:
        """Empty v1's query log: it has what earlier tests asked."""
        self.query(0, "SYSTEM FLUSH LOGS")
        self.query(0, "TRUNCATE TABLE system.query_log")

    def seal(self) -> None:
        """Lead the names of all tables to their rows, as a run does."""
        spec, hosts = self.stand.ground.spec, self.stand.ground.hosts
        for table in spec.tables:
            for item in ddl.seal(replace(spec, aggregates=()), replace(table, expires="")):
                for host in hosts.targets[:1] if item.params["cluster"] else hosts.targets:
                    self.stand.hands.do(host, item.statement, item.params, tag="seal")
            self.note(facts.SEALED, table=table.name, clock_seconds=self.now(), exact_until=0)

    def close(self) -> None:
        self.beat.stop()
        with suppress(ChtuiError):
            self.lease.release(self.journal.seq)
        self.journal.close()
        self.stand.ground.hosts.close()


def spec_of(case: Case) -> Spec:
    """The case's spec with a way back and no lateness to speak of."""
    spec = case.spec()
    events, clicks = spec.tables

    def back(source: SourceTable, inverse: Mapping[str, str]) -> SourceTable:
        return replace(source, inverse=inverse)

    tables = (
        replace(events, sources=(back(events.sources[0], INVERSE),)),
        replace(clicks, sources=(back(clicks.sources[0], {"times": "toUInt8(times)"}),)),
    )
    return replace(spec, tables=tables, retention=replace(spec.retention, lateness_seconds=6.0))


def start(case: Case, ask: Query, directory: Path, *, fresh: bool = True) -> Standing:
    """Make v1 and take its rows to v2, or, unless `fresh`, stand on what is there with a new journal."""
    if fresh:
        prepare(case, ask)
        ask(0, RECENT.format(database=case.source_database))
    clock = SystemClock()
    spec = spec_of(case)
    hosts = case.hosts()
    found = layout.lay_out(spec, hosts)
    ground = Ground(spec, hosts, found.layout, found.shapes)
    journal = Journal.create(case.name, HASH, clock, directory=directory)
    lease = Lease(hosts.source, spec.source.database, case.name, myself(journal.path), clock)
    lease.takeover()
    beat = Heartbeat(lease, lambda: journal.seq)
    beat.start()
    hands = Hands(case.name, journal, lease)
    stand = Stand(ground, hands, Progress(case.name), lambda: facts.of(journal.events()))
    standing = Standing(case, stand, journal, lease, beat, ask)
    if fresh:
        wanted = ddl.objects(spec, traits=traits_of(hosts.targets))
        schema.ensure(hosts.targets, wanted, hands.before)
        Backfill(ground, hands, stand.progress).run()
        standing.seal()
    else:
        for table in spec.tables:
            standing.note(facts.SEALED, table=table.name, clock_seconds=standing.now(), exact_until=0)
    return standing


def case_on(modern: ModernRig, name: str, directory: Path) -> Case:
    """The case of this name on the 26.9 rig."""
    return Case(
        name=name,
        directory=str(directory / "case"),
        addresses=modern.addresses(),
        seeds=modern.http_ports,
        source_port=modern.ports[0],
        user="admin",
        password=modern.password("admin"),
    )


@contextmanager
def opened(modern: ModernRig, name: str, directory: Path) -> Iterator[Standing]:
    """One made anew on the 26.9 rig, with a query log that has nothing of earlier tests, and taken away again."""
    case = case_on(modern, name, directory)
    clean(case, modern.query, len(modern.nodes))
    try:
        found = start(case, modern.query, directory / "run")
        found.forget_queries()
        try:
            yield found
        finally:
            found.close()
    finally:
        clean(case, modern.query, len(modern.nodes))


def assert_equal(standing: Standing) -> None:
    """v1 and v2 have the same events, each as often, read one by one."""
    one = rows_of(standing.ask, 0, EVENTS_V1, standing.case.source_database)
    other = rows_of(standing.ask, 0, EVENTS_V2, standing.case.target_database, "events")
    assert (one - other, other - one) == ({}, {})
