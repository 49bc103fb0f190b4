"""What a server lets its users do, as far as it bears on reading: users, grants, roles, row policies, quotas, profiles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chtui.fleet.literal import Value
from chtui.migrate.hosts import Host
from chtui.migrate.spec import Spec

SINCE = (20, 8)
"""The first version whose access is in system tables. Source: the headers of the statements."""


class Grant(NamedTuple):
    """One right to read, or one taken away; an empty name stands for all."""

    user: str
    role: str
    database: str
    table: str
    column: str
    is_revoked: bool


class Policy(NamedTuple):
    """One row policy."""

    name: str
    database: str
    table: str
    """Empty for all of the database."""
    condition: str
    is_restrictive: bool
    applies_to: str


class Bound(NamedTuple):
    """One piece of a quota or a profile."""

    kind: str
    """`quota`, `limit`, `profile`, `user`."""
    name: str
    definition: str
    inherits: str


class Reach(NamedTuple):
    """What a user may read of a table."""

    is_whole: bool
    columns: frozenset[str]
    """Columns given one by one."""
    without: frozenset[str]
    """Columns taken away again."""

    def __or__(self, other: object) -> Reach:
        """What both together give."""
        if not isinstance(other, Reach):
            return NotImplemented
        wholes = [each.without for each in (self, other) if each.is_whole]
        columns = self.columns | other.columns
        without = frozenset.intersection(*wholes) - columns if wholes else frozenset[str]()
        return Reach(bool(wholes), columns, without)


NOTHING = Reach(False, frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Access:
    """One server's."""

    users: frozenset[str]
    grants: tuple[Grant, ...]
    roles: tuple[tuple[str, str, str], ...]
    """User or role, the other one empty, and the role it has."""
    policies: tuple[Policy, ...]
    bounds: tuple[Bound, ...]

    def roles_of(self, user: str) -> frozenset[str]:
        """Return the roles a user has, those of its roles among them."""
        found = {role for name, _, role in self.roles if name == user}
        new = set(found)
        while new:
            new = {role for _, name, role in self.roles if name in new} - found
            found |= new
        return frozenset(found)

    def reach(self, user: str, database: str, table: str) -> Reach:
        """Return what a user may read of a table."""
        found = _reach([grant for grant in self.grants if grant.user == user], database, table)
        for role in self.roles_of(user):
            found = found | _reach([grant for grant in self.grants if grant.role == role], database, table)
        return found

    def readers(self, database: str) -> frozenset[str]:
        """Return the users with a right that names a database, their own or by a role."""
        own = {grant.user for grant in self.grants if grant.database == database and not grant.is_revoked}
        roles = {grant.role for grant in self.grants if grant.database == database and not grant.is_revoked}
        return frozenset(user for user in self.users if user in own or roles & self.roles_of(user)) - {""}

    @property
    def quotas(self) -> frozenset[Bound]:
        """The pieces of all quotas that hold for one of the users asked about."""
        names = {each.name for each in self.bounds if each.kind == "quota"}
        return frozenset(
            each for each in self.bounds if each.kind in ("quota", "limit") and each.name in names
        )

    def settings_of(self, user: str) -> frozenset[Bound]:
        """Return the pieces of all profiles that hold for a user."""
        found = {each for each in self.bounds if each.kind == "user" and each.name == user}
        names = {each.inherits for each in found if each.inherits}
        seen: set[str] = set()
        while new := names - seen:
            seen |= new
            mine = {each for each in self.bounds if each.kind == "profile" and each.name in new}
            found |= mine
            names |= {each.inherits for each in mine if each.inherits}
        return frozenset(found)


def read(host: Host, spec: Spec, users: Collection[str]) -> Access:
    """Return what a server lets its users do.

    Raises:
        ConnectError, QueryError: it does not tell.
    """
    databases: list[Value] = [spec.source.database, spec.target.database]
    named: list[Value] = [*sorted(users)]

    def rows(name: str, **params: Value) -> Sequence[Sequence[object]]:
        return host.rows(name, params)

    return Access(
        users=frozenset(str(name) for name, _ in rows("cutover_users")),
        grants=tuple(
            Grant(str(user), str(role), str(database), str(table), str(column), bool(revoked))
            for user, role, database, table, column, revoked in rows("cutover_grants", databases=databases)
        ),
        roles=tuple((str(a), str(b), str(c)) for a, b, c in rows("cutover_roles")),
        policies=tuple(
            Policy(str(name), str(database), str(table), str(text), bool(restrictive), str(who))
            for name, database, table, text, restrictive, who in rows("cutover_policies", databases=databases)
        ),
        bounds=tuple(Bound(*map(str, each)) for each in rows("cutover_bounds", users=named)),
    )


def _reach(grants: Sequence[Grant], database: str, table: str) -> Reach:
    """What the rights of one user or role give; of two that hold for everything the narrower counts."""
    mine = [each for each in grants if _covers(each.database, database) and _covers(each.table, table)]
    whole = sorted((each for each in mine if not each.column), key=_width)
    return Reach(
        bool(whole) and not whole[-1].is_revoked,
        frozenset(each.column for each in mine if each.column and not each.is_revoked),
        frozenset(each.column for each in mine if each.column and each.is_revoked),
    )


def _width(grant: Grant) -> tuple[int, int, bool]:
    return len(grant.database), len(grant.table), grant.is_revoked


def _covers(given: str, name: str) -> bool:
    return given in ("", name) or (given.endswith("*") and name.startswith(given[:-1]))
