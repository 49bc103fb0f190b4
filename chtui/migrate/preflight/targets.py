"""What the target hosts have already: v2's objects, rows in them, things the spec does not know, undelivered rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chtui.errors import ChtuiError
from chtui.migrate import ddl, schema
from chtui.migrate.ddl import SchemaObject
from chtui.migrate.expressions import tokens, unquoted
from chtui.migrate.hosts import Host
from chtui.migrate.preflight.findings import Finding, Kind, blocker, note, warning
from chtui.migrate.preflight.look import Look, stored_by, unchecked
from chtui.migrate.schema import Found, ObjectState, State
from chtui.migrate.spec import Spec
from chtui.migrate.traits import Traits, traits_of
from chtui.records import HostId
from chtui.text import format_bytes, format_count, plural

SHOWN = 12


class Part(NamedTuple):
    """One partition of a table that is there."""

    table: str
    partition_id: str
    rows: int
    bytes_on_disk: int


class Spool(NamedTuple):
    """What a Distributed table has not delivered."""

    name: str
    files: int
    broken_files: int
    errors: int


def check(look: Look) -> None:
    """Compare every wanted object, and list what else is there."""
    if not look.targets:
        return
    try:
        traits = traits_of(look.targets)
        wanted = ddl.objects(look.spec, traits=traits)
        sealed = ddl.objects(look.spec, sealed=[table.name for table in look.spec.tables], traits=traits)
    except ChtuiError as error:
        look.add([unchecked("v2's objects", None, error)])
        return
    database = look.spec.target.database
    states = look.each(look.targets, "v2's objects", lambda host: _best(host, wanted, sealed))
    for host_id, found in states.items():
        look.add(judge_objects(host_id, found))
    there = look.each(look.targets, "v2's database", lambda host: schema.read(host, database))
    for host_id, held in there.items():
        look.add(judge_strangers(look.spec, host_id, held, wanted))
    parts = look.each(look.targets, "v2's rows", lambda host: _parts(host, database))
    for host_id, rows in parts.items():
        look.add(judge_rows(look.spec, host_id, rows))
    able = [host for host in look.everyone if look.has(host, "system.distribution_queue")]
    databases = [database, look.spec.source.database]
    spools = look.each(able, "undelivered rows", lambda host: _spools(host, databases))
    for host_id, queues in spools.items():
        look.add(judge_spools(host_id, queues))


def judge_objects(host: HostId, states: Sequence[ObjectState]) -> list[Finding]:
    """What is there must be as wanted."""
    found = []
    for each in states:
        if each.state in (State.DIFFERENT, State.FOREIGN):
            what = (
                f"{each.wanted.kind} {each.wanted.name} is there, but made otherwise"
                if each.state is State.DIFFERENT
                else f"something else has the name of {each.wanted.kind} {each.wanted.name}"
            )
            name = f"{each.wanted.database}.{each.wanted.name}"
            remedy = "drop or rename it, or change the spec"
            evidence = "; ".join(each.differences[:SHOWN])
            found.append(blocker(Kind.TARGET_OBJECT, name, host, what, evidence=evidence, remedy=remedy))
    equal = [each for each in states if each.state is State.EQUAL]
    missing = [each for each in states if each.state is State.MISSING]
    what = f"{plural(len(missing), 'object')} will be made, {len(equal)} are there as wanted"
    return [*found, note(Kind.TARGET_OBJECT, "", host, what)]


def judge_strangers(spec: Spec, host: HostId, held: Found, wanted: Sequence[SchemaObject]) -> list[Finding]:
    """What the spec does not know is left alone; a foreign view on v2's tables would count or store rows again."""
    # Live views come with the watermarks, those of aggregates on servers whose views do not see each other's rows.
    begun = ddl.objects(
        spec,
        dict.fromkeys((table.name for table in spec.tables), 0),
        traits=Traits(passes_on=False, has_definers=True),
    )
    names = {item.name for item in (*wanted, *begun)} | {table.live for table in spec.tables}
    ours = names - {""}
    found = []
    for name, (engine, text) in held.tables.items():
        if name in names or name.startswith(".inner"):
            continue
        label = f"{spec.target.database}.{name}"
        if name.startswith(schema.OWN):
            what = "a table of an earlier run is still here"
            remedy = "finish or clean up that run; it is left alone by this one"
            found.append(warning(Kind.LEFTOVER, label, host, what, evidence=engine, remedy=remedy))
        elif engine == "MaterializedView" and (used := sorted(ours & _words(text))):
            what = f"a materialized view of others reads or fills {', '.join(used)}: rows would be counted or stored again"
            remedy = "drop it, or bring it into the spec as an aggregate"
            found.append(blocker(Kind.LEFTOVER, label, host, what, evidence=engine, remedy=remedy))
        else:
            what = "the spec does not know this: it may be what another tool left, even the only copy of something"
            found.append(
                warning(
                    Kind.LEFTOVER,
                    label,
                    host,
                    what,
                    evidence=engine,
                    remedy="see whose it is; it is left alone",
                )
            )
    return found


def judge_rows(spec: Spec, host: HostId, parts: Sequence[Part]) -> list[Finding]:
    """Rows that nobody copied would be replaced, or stay beside what is copied."""
    ours = {each.local for each in stored_by(spec)}
    by_table: dict[str, list[Part]] = {}
    for part in parts:
        if part.table in ours and part.rows:
            by_table.setdefault(part.table, []).append(part)
    found = []
    for table, held in by_table.items():
        rows, size = sum(part.rows for part in held), sum(part.bytes_on_disk for part in held)
        what = f"{format_count(rows)} rows ({format_bytes(size)}) are in it already, in {plural(len(held), 'partition')}"
        listed = [f"{part.partition_id}: {format_count(part.rows)}" for part in held[:SHOWN]]
        remedy = "empty it, or rename it: publishing a partition replaces what is there"
        evidence = "; ".join([*listed, *(["and more"] if len(held) > SHOWN else [])])
        found.append(
            blocker(
                Kind.FOREIGN_ROWS,
                f"{spec.target.database}.{table}",
                host,
                what,
                evidence=evidence,
                remedy=remedy,
            )
        )
    return found


def judge_spools(host: HostId, spools: Sequence[Spool]) -> list[Finding]:
    """Rows that were acknowledged and are in no table."""
    found = []
    for spool in spools:
        evidence = f"{spool.files} files, {spool.broken_files} broken, {spool.errors} errors"
        if spool.broken_files or spool.errors:
            what = "rows this Distributed table acknowledged cannot be delivered"
            remedy = "see system.distribution_queue; SYSTEM FLUSH DISTRIBUTED once the cause is gone"
            found.append(
                blocker(Kind.BACKGROUND_INSERT, spool.name, host, what, evidence=evidence, remedy=remedy)
            )
        elif spool.files:
            what = "rows this Distributed table acknowledged are not delivered yet"
            found.append(note(Kind.BACKGROUND_INSERT, spool.name, host, what, evidence=evidence))
    return found


def _best(host: Host, wanted: Sequence[SchemaObject], sealed: Sequence[SchemaObject]) -> list[ObjectState]:
    """The state of every object, before or after the seal, whichever it is nearer to."""
    before, after = schema.compare(host, wanted), schema.compare(host, sealed)
    return [two if two.state is State.EQUAL else one for one, two in zip(before, after, strict=True)]


def _words(text: str) -> set[str]:
    return {unquoted(token.text) for token in tokens(text) if token.kind in ("word", "quoted")}


def _parts(host: Host, database: str) -> list[Part]:
    rows = host.rows("preflight_table_parts", {"database": database})
    return [Part(str(table), str(key), int(number), int(size)) for table, key, number, size in rows]


def _spools(host: Host, databases: Sequence[str]) -> list[Spool]:
    rows = host.rows("preflight_spool", {"databases": [*databases]})
    return [Spool(f"{database}.{table}", int(f), int(b), int(e)) for database, table, f, b, e in rows]
