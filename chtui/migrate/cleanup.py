"""Taking away what a run left, once its process is over: its own tables, its lease, and v2 itself where that is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from chtui.clock import Clock
from chtui.errors import ChtuiError, MigrateError
from chtui.migrate import ddl, facts, schema
from chtui.migrate.ddl import Kind, SchemaObject
from chtui.migrate.facts import Facts
from chtui.migrate.hands import Hands
from chtui.migrate.hosts import Host, Hosts, each
from chtui.migrate.journal import Journal
from chtui.migrate.lease import Lease
from chtui.migrate.lease_records import myself
from chtui.migrate.schema import State
from chtui.migrate.spec import Spec
from chtui.migrate.traits import traits_of
from chtui.records import HostId

T = TypeVar("T")
TAG = "cleanup"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was dropped, and what was not."""

    dropped: Mapping[HostId, Sequence[str]]
    """v2's objects by host."""
    left: Mapping[HostId, Sequence[str]]
    """What stands in v2's database still, and why, a line each."""


def run(
    name: str,
    spec: Spec,
    hosts: Hosts,
    clock: Clock,
    *,
    drop_target: bool = False,
    directory: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Cleaned:
    """Drop a run's own tables on all hosts, v2's objects of the spec with `drop_target`, and its lease last of all.

    The database stays. Objects of the spec's names that are made otherwise, and all others, stay too.

    Raises:
        MigrateError: v2 is in use (1), a process carries the run out (4), or a host cannot be asked (3).
    """
    with Journal.open(name, None, clock, directory=directory) as journal:
        found = facts.of(journal.events())
        if drop_target:
            _demand_unused(found, name)
        lease = Lease(hosts.source, spec.source.database, name, myself(journal.path), clock)
        lease.acquire()
        hands = Hands(name, journal, lease)
        say(f"dropping the own tables of run {name}")
        _all(hosts.everyone, lambda host: _sweep(hands, spec, hosts, host))
        dropped: dict[HostId, Sequence[str]] = {}
        left: dict[HostId, Sequence[str]] = {}
        if drop_target:
            say(f"dropping v2's objects in database {spec.target.database}")
            both = _all(hosts.targets, lambda host: _drop(hands, spec, hosts, found, host))
            dropped = {host: gone for host, (gone, _) in both.items()}
            left = {host: stays for host, (_, stays) in both.items()}
        lease.clear()
        journal.append("cleaned", {"drop_target": drop_target})
        return Cleaned(dropped, left)


def _demand_unused(found: Facts, name: str) -> None:
    why = ""
    if found.dual_write or "dual_write_on" in found.unseen:
        why = "writers write to v2" if found.dual_write else "writers were told to write to v2"
    if found.reads == "v2" or "reads_v2" in found.unseen:
        why = "readers are on v2" if found.reads == "v2" else "readers were told to move to v2"
    if found.lacking_since is not None:
        why = "v1 may lack rows that it has"
    if found.dropped:
        why = f"v1's tables {', '.join(sorted(found.dropped))} are gone, and v2 has their rows"
    if why:
        raise MigrateError(
            f"v2 is in use: {why}",
            where=name,
            fix="roll back and switch dual writing off first; without --drop-target v2 stays",
            exit_code=1,
        )


def _all(hosts: Sequence[Host], work: Callable[[Host], T]) -> dict[HostId, T]:
    """What work gives on every host; where one fails, all others are done all the same."""
    found: dict[HostId, T] = {}
    troubles: list[ChtuiError] = []
    for host, told in each(hosts, work).items():
        if isinstance(told, ChtuiError):
            troubles.append(told)
        else:
            found[host] = told
    if troubles:
        raise MigrateError(
            f"not all could be cleaned: {troubles[0].line}",
            fix="see that all hosts are up, and clean up again",
            exit_code=3,
        )
    return found


def _sweep(hands: Hands, spec: Spec, hosts: Hosts, host: Host) -> None:
    if host in hosts.targets:
        hands.sweep(host, spec.target.database)
    if host is hosts.source:
        hands.sweep(host, spec.source.database)


def _drop(hands: Hands, spec: Spec, hosts: Hosts, found: Facts, host: Host) -> tuple[list[str], list[str]]:
    """The objects that were dropped on a host, and a line for each that was not."""
    states = _states(spec, hosts, found, host)
    gone, left = [], []
    # What reads others goes first.
    for item, state in reversed(states):
        if state is State.EQUAL:
            hands.drop(host, spec.target.database, item.name, tag=TAG)
            gone.append(item.name)
        elif state is not State.MISSING:
            left.append(f"{item.name} is {state}: it was not made by this spec")
    wanted = [item for item, _ in states]
    left += [f"{name} is none of the spec" for name in schema.strangers(host, wanted)]
    return gone, left


def _states(spec: Spec, hosts: Hosts, found: Facts, host: Host) -> list[tuple[SchemaObject, State]]:
    """Every object of v2 on a host; as wanted is what is as it should be now, or was before a seal or a rule for expiry."""
    traits = traits_of(hosts.targets)
    every = [table.name for table in spec.tables]
    forms = [
        ddl.objects(spec, found.watermarks, sealed, expiring=expiring, traits=traits)
        for sealed, expiring in (
            (found.sealed, found.expiring),
            (found.sealed, found.aging),
            ((), ()),
            (every, ()),
            (every, every),
        )
    ]
    # What a seal, whole or cut short, leaves beside the name it exchanges.
    forms.append(
        [
            ddl.distributed(spec, table, sealed=is_sealed, name=f"{table.name}_{word}")
            for table in spec.tables
            for is_sealed, word in ((False, "unsealed"), (True, "sealed"))
        ]
    )
    best: dict[str, tuple[SchemaObject, State]] = {}
    for form in forms:
        for state in schema.compare(host, form):
            name = state.wanted.name
            if state.wanted.kind is Kind.DATABASE:
                continue
            if name not in best or state.state is State.EQUAL:
                best[name] = (state.wanted, state.state)
    return list(best.values())
