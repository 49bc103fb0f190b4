"""Whether v1's readers may do on every host of v2 what they may do on v1, and no more."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from chtui.errors import ChtuiError
from chtui.fleet.literal import Value, quote_identifier
from chtui.migrate.cutover.access import SINCE, Access, Bound, Policy, Reach, read
from chtui.migrate.cutover.checks import UNKNOWN, Finding
from chtui.migrate.expressions import normalized
from chtui.migrate.hosts import each
from chtui.migrate.spec import Spec, TableSpec
from chtui.migrate.stand import Stand
from chtui.migrate.statements import table_name, text
from chtui.records import HostId
from chtui.text import one_line, plural

TO_LIST = 5


@dataclass(frozen=True, slots=True)
class Rights:
    """What was found."""

    users: tuple[str, ...]
    """v1's readers: who was seen reading it, and who has a right that names its database."""
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    """What could not be compared, and why that is no trouble."""

    @property
    def evidence(self) -> str:
        """What was looked at, in a line."""
        told = f"{plural(len(self.users), 'reader')} of v1: {', '.join(self.users[:TO_LIST]) or 'none'}"
        return "; ".join((told, *self.notes))


def look(stand: Stand, seen: Collection[str]) -> Rights:
    """Compare what v1's readers may do on v1's host and on every host of v2. `seen` are the users who were seen reading v1.

    Raises:
        ConnectError, QueryError: v1's host does not tell.
    """
    spec, hosts = stand.ground.spec, stand.ground.hosts
    old = [str(host.id) for host in hosts.everyone if host.version < SINCE]
    if old:
        note = f"{', '.join(old)} cannot be compared by SQL: users, rights and quotas are in users.xml there; compare the files"
        return Rights(tuple(sorted(seen)), (), (note,))
    source = read(hosts.source, spec, seen)
    users = frozenset(seen) | source.readers(spec.source.database)
    source = read(hosts.source, spec, users)
    findings: list[Finding] = []
    for host, found in each(hosts.targets, lambda target: read(target, spec, users)).items():
        if isinstance(found, ChtuiError):
            what = f"what users may do there is not known: {one_line(found.what)}"
            findings.append(Finding(f"rights on {host}", what, found.fix, UNKNOWN))
            continue
        findings += differences(spec, source, found, users, host)
    return Rights(tuple(sorted(users)), tuple(findings))


def differences(
    spec: Spec, source: Access, target: Access, users: Collection[str], host: HostId
) -> list[Finding]:
    """Return what differs between v1's host and one of v2. Pure."""
    found: list[Finding] = []
    for user in sorted(users):
        if user not in target.users:
            remedy = f"make it there as SHOW CREATE USER {quote_identifier(user)} shows it on v1's host"
            found.append(
                Finding(f"user {user} on {host}", f"{user} reads v1 and is no user of {host}", remedy)
            )
            continue
        found += _roles(source, target, user, host)
        found += _reach(spec, source, target, user, host)
        found += _settings(source, target, user, host)
    return [*found, *_quotas(source, target, host), *_policies(spec, source, target, host)]


def _roles(source: Access, target: Access, user: str, host: HostId) -> Iterator[Finding]:
    for role in sorted(source.roles_of(user) - target.roles_of(user)):
        remedy = f"GRANT {quote_identifier(role)} TO {quote_identifier(user)}"
        yield Finding(f"role {role} of {user} on {host}", f"{user} has no role {role} on {host}", remedy)


def _reach(spec: Spec, source: Access, target: Access, user: str, host: HostId) -> Iterator[Finding]:
    lacking: list[str] = []
    more: list[str] = []
    pairs = [(table, each.name) for table in spec.tables for each in table.sources]
    for table, name in pairs:
        wanted = source.reach(user, spec.source.database, name)
        given = target.reach(user, spec.target.database, table.name)
        if _lacks(wanted, given, table):
            lacking.append(table.name)
        elif _exceeds(wanted, given, table):
            more.append(table.name)
    database = spec.target.database
    if lacking:
        names = list(dict.fromkeys(lacking))
        places = [table_name(database, name) for name in names]
        if len(names) == len(spec.tables):
            places = [f"{quote_identifier(database)}.*"]
        remedy = "; ".join(text("cutover_grant", {"where": place, "user": user}) for place in places)
        what = f"{user} may read v1 and not {', '.join(names)} of {database} on {host}"
        yield Finding(f"grant {user} on {host}", what, remedy)
    if more:
        what = f"{user} may read more of {', '.join(dict.fromkeys(more))} on {host} than of v1"
        yield Finding(f"reach of {user} on {host}", what, f"compare SHOW GRANTS FOR {quote_identifier(user)}")


def _lacks(wanted: Reach, given: Reach, table: TableSpec) -> bool:
    if wanted.is_whole:
        return not given.is_whole or bool(given.without - wanted.without)
    columns = wanted.columns & table.columns.keys()
    return bool(columns) and not given.is_whole and bool(columns - given.columns)


def _exceeds(wanted: Reach, given: Reach, table: TableSpec) -> bool:
    if not given.is_whole:
        return bool(given.columns - wanted.columns) and not wanted.is_whole
    if not wanted.is_whole:
        return bool(wanted.columns)
    return bool((wanted.without - given.without) & table.columns.keys())


def _settings(source: Access, target: Access, user: str, host: HostId) -> Iterator[Finding]:
    wanted, given = source.settings_of(user), target.settings_of(user)
    if wanted != given:
        remedy = f"make them alike: SHOW CREATE USER {quote_identifier(user)}, SHOW CREATE SETTINGS PROFILE"
        what = f"settings of {user} differ: {_told(wanted, given, host)}"
        yield Finding(f"settings of {user} on {host}", what, remedy)


def _quotas(source: Access, target: Access, host: HostId) -> Iterator[Finding]:
    for name in sorted({bound.name for bound in source.quotas ^ target.quotas}):
        wanted, given = (
            frozenset(bound for bound in access.quotas if bound.name == name) for access in (source, target)
        )
        what = f"quota {name} differs: {_told(wanted, given, host)}"
        yield Finding(
            f"quota {name} on {host}", what, f"make them alike: SHOW CREATE QUOTA {quote_identifier(name)}"
        )


def _told(wanted: frozenset[Bound], given: frozenset[Bound], host: HostId) -> str:
    """What only one of two has, the first of each."""
    sides = (("v1's host", wanted - given), (str(host), given - wanted))
    return one_line(
        "; ".join(
            f"{name} has {each.kind} {each.name} {each.definition}"
            for name, only in sides
            for each in sorted(only)[:2]
        )
    )


def _policies(spec: Spec, source: Access, target: Access, host: HostId) -> Iterator[Finding]:
    names = {each.name: table for table in spec.tables for each in table.sources}
    for policy in source.policies:
        if policy.database != spec.source.database or (policy.table and policy.table not in names):
            continue
        # Not on the Distributed table: reads of that are refused then (Code 182, seen on 26.9). On other shards too it
        # holds for the user who asked first, whoever brings the question there.
        twin = names[policy.table].local if policy.table else ""
        if any(_is_twin(policy, each, spec.target.database, twin) for each in target.policies):
            continue
        where = f"{quote_identifier(spec.target.database)}.{quote_identifier(twin) if twin else '*'}"
        params: dict[str, Value] = {
            "name": policy.name,
            "where": where,
            "condition": one_line(policy.condition),
            "kind": "RESTRICTIVE" if policy.is_restrictive else "",
            "applies_to": policy.applies_to or "NONE",
        }
        remedy = text("cutover_create_policy", params).replace("\n", " ")
        what = f"{policy.name} on {policy.table or 'all'} of v1 has no twin on {twin or 'all'} of v2"
        yield Finding(f"policy {policy.name} of {policy.table or 'all'} on {host}", what, remedy)


def _is_twin(wanted: Policy, found: Policy, database: str, table: str) -> bool:
    return (
        (found.database, found.table) == (database, table)
        and normalized(found.condition) == normalized(wanted.condition)
        and found.is_restrictive == wanted.is_restrictive
        and found.applies_to == wanted.applies_to
    )
