"""What one server can be asked by one user; found out once a connection."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from chtui import sql
from chtui.errors import QueryError
from chtui.fleet.driver import Driver, parse_version
from chtui.fleet.trouble import DENIED_CODES
from chtui.sql import Statement

SYNTAX_ERROR_CODE = 62
SEES_ALL = re.compile(r"^GRANT (?P<rights>.+) ON \*\.\* TO ")
SEEING_RIGHTS = frozenset({"ALL", "SHOW", "SHOW TABLES", "SELECT"})
"""Rights on `*.*` that make every table visible. Source: access rights implied by GRANT, ClickHouse documentation."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a server has and what this user may see of it."""

    version: tuple[int, ...]
    readonly_level: int
    sees_all_tables: bool | None
    """None where neither the server nor its grants tell."""
    columns: frozenset[str] = field(default_factory=frozenset)
    """`system.table.column` for every column of database `system`."""
    tables: frozenset[str] = field(default_factory=frozenset)
    """`system.table`."""
    trouble: str = ""
    """Why columns and tables are not known, empty if they are."""

    def absent(self, statement: Statement) -> frozenset[str]:
        """Return the optional columns of `statement` that the server lacks."""
        return statement.optional_needs() - self.columns

    def lacks(self, statement: Statement) -> str:
        """Return why the server cannot run `statement` at all, empty if it can."""
        if self.trouble and statement.needs:
            return self.trouble
        missing = ", ".join(sorted(statement.needs - self.tables - self.columns))
        if not missing:
            return ""
        if self.is_too_old(statement):
            return f"this server is older than {statement.engines.partition('+')[0]}, which brought {missing}"
        return f"this server has no {missing}, or this user may not see it"

    def is_too_old(self, statement: Statement) -> bool:
        """Return whether the server is older than the statement's header demands."""
        return not self.trouble and self.version < parse_version(statement.engines.partition("+")[0])


def discover(driver: Driver, query_id: str, seconds: float) -> Capabilities:
    """Ask a server what it has.

    Raises:
        QueryError: the server refuses to tell.
        ConnectError: the connection is gone.
    """
    columns, trouble = set[str](), ""
    try:
        question = sql.load("monitor/capabilities")
        answer = driver.read(question, {}, query_id=f"{query_id}-columns", seconds=seconds)
        columns = {f"system.{table}.{column}" for table, names in answer.rows for column in names}
    except QueryError as error:
        if error.code not in DENIED_CODES:
            raise
        trouble = f"this user may not see what the server has: {error.what}"
    return Capabilities(
        version=parse_version(driver.version),
        readonly_level=driver.readonly_level,
        sees_all_tables=_sees_all_tables(driver, query_id, seconds),
        columns=frozenset(columns),
        tables=frozenset(name.rpartition(".")[0] for name in columns),
        trouble=trouble,
    )


def _sees_all_tables(driver: Driver, query_id: str, seconds: float) -> bool | None:
    try:
        answer = driver.read(
            sql.load("monitor/show_grant"), {}, query_id=f"{query_id}-check-grant", seconds=seconds
        )
        return bool(answer.rows[0][0])
    except QueryError as error:
        if error.code != SYNTAX_ERROR_CODE:
            return None
    try:
        answer = driver.read(
            sql.load("monitor/show_grants"), {}, query_id=f"{query_id}-grants", seconds=seconds
        )
        return grants_show_all(str(row[0]) for row in answer.rows)
    except QueryError as error:
        # A server too old for grants shows every table to every user.
        return True if error.code == SYNTAX_ERROR_CODE else None


def grants_show_all(grants: Iterable[str]) -> bool:
    """Return whether any of the user's grants (statements of `SHOW GRANTS`) makes every table visible."""
    for grant in grants:
        match = SEES_ALL.match(grant)
        if match and SEEING_RIGHTS & {right.strip() for right in match["rights"].split(",")}:
            return True
    return False
