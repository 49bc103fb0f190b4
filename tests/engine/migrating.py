"""Where every statement of `sql/migrate` is run: a small table of v1 on one host of a rig, and what a statement gives there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chtui import sql
from chtui.fleet.driver import parse_version
from chtui.fleet.literal import Value, quote_identifier
from chtui.migrate.hosts import Host
from chtui.migrate.statements import shaped
from chtui.sql import Statement, load
from tests.engine import contract
from tests.support import replace

FIRST_SECOND = 1769817600
"""2026-01-31 00:00 UTC, in seconds."""
STEP_SECONDS = 240
ROWS, JANUARY = 1000, 360
"""The rows of v1, and those of its first partition, 202601; the others are in 202602."""
COLUMNS = "day Date, at DateTime, key UInt64, name String"
MERGE_TREE = "ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY (key, at)"
STATEMENTS = tuple(sql.names("migrate"))
OLD = (18, 16)
TELLS_MORE = "DESCRIBE"
"""What begins a statement that gives more columns on later versions."""


def for_old(name: str) -> bool:
    """Whether a statement says that it runs on 18.16."""
    return parse_version(load(name).engines.partition("+")[0]) <= OLD


@dataclass(frozen=True)
class Ground:
    """A database on a rig, with a table `rows` and a table `nothing` of the same form on the first host."""

    host: Host
    """The first host, as the user who migrates."""
    queries: Sequence[Callable[[str], str]]
    """Run a statement on each host on which the database is, as that user."""
    database: str
    source_cluster: str
    """The cluster of the first host alone."""
    ddl_cluster: str
    """What statements name with ON CLUSTER; empty where each host is asked by itself."""
    login: str = ""
    """The user and password of a dictionary's source."""
    hidden: frozenset[str] = frozenset()
    """Columns (`system.table.column`) this server is taken not to have."""

    @property
    def old(self) -> bool:
        """Whether it is 18.16."""
        return self.host.version < (19,)

    def table(self, name: str) -> tuple[str, str]:
        """A table of the database, as statements take it."""
        return self.database, name

    def read_by(self, table: str) -> str:
        """A table of the database, as hosts of the target read it."""
        return (
            f"cluster('{self.source_cluster}', {quote_identifier(self.database)}.{quote_identifier(table)})"
        )

    def query(self, text: str) -> str:
        """The first host's answer to a statement in which `v2.` is the database."""
        return self.queries[0](text.replace("v2.", f"{self.database}.")).rstrip("\n")

    def everywhere(self, text: str) -> str:
        """The answer all hosts give."""
        answers = {query(text.replace("v2.", f"{self.database}.")).rstrip("\n") for query in self.queries}
        assert len(answers) == 1, answers
        return answers.pop()

    def run(self, name: str, settings: Mapping[str, int | str] | None = None, /, **params: Value) -> None:
        """Run a statement that changes something, as the migration does, with those of the settings the server knows."""
        self.host.run(f"migrate/{name}", params, settings=self.host.known(settings or {}))

    def make(self, name: str, columns: str, *, engine: str = "MergeTree", order_by: str = "key") -> None:
        """Make a table by the migration's own statement, on all hosts."""
        self.run(
            "create_table",
            table=self.table(name),
            cluster=self.ddl_cluster,
            columns=columns,
            engine=engine,
            partition_by="",
            order_by=order_by,
            ttl="",
            settings="",
        )

    def replicate(self, name: str) -> None:
        """Make a Replicated table, on all hosts."""
        path = f"/clickhouse/tables/{{shard}}/{self.database}/{name}"
        self.make(name, "    key UInt64", engine=f"ReplicatedMergeTree('{path}', '{{replica}}')")

    def fill(self) -> None:
        """Make the tables."""
        for name in ("rows", "nothing"):
            self.query(f"CREATE TABLE v2.{name} ({COLUMNS}) {MERGE_TREE}")
        self.query(
            "INSERT INTO v2.rows SELECT toDate(at), at, key, concat('name ', toString(key % 7)) FROM "
            f"(SELECT toDateTime({FIRST_SECOND} + number * {STEP_SECONDS}) AS at, number AS key FROM system.numbers LIMIT {ROWS})"
        )

    def lesser(self, hidden: frozenset[str]) -> Ground:
        """The same ground on a server without these columns."""
        return replace(self, hidden=hidden)

    def absent(self, statement: Statement) -> frozenset[str]:
        """The optional columns this server lacks."""
        if not statement.optional_needs():
            return frozenset()
        rows = self.host.rows("monitor/capabilities")
        had = {f"system.{table}.{column}" for table, names in rows for column in names}
        return statement.optional_needs() - (had - self.hidden)

    def typed(self, name: str, params: Mapping[str, Value]) -> tuple[list[tuple[str, str]], int]:
        """The columns and types the server itself gives the whole text, and the number of rows."""
        statement, _ = shaped(name, params, values=True)
        text, _ = statement.adapted(self.absent(statement))
        body = self.queries[0](f"{text}\nFORMAT TabSeparatedWithNamesAndTypes")
        names, types, *rows = body.split("\n")[:-1]
        return list(zip(names.split("\t"), types.replace("\\'", "'").split("\t"), strict=True)), len(rows)

    def rows(self, name: str, params: Mapping[str, Value]) -> list[tuple[Any, ...]]:
        """The rows a statement gives the migration, whose values the server binds where it can."""
        query_id = f"contract-{next(contract.IDS)}"
        # 18.16 refuses table functions under readonly = 1; 2 only reads too.
        answer = self.host.rows(
            name, params, absent=self.absent(load(name)), query_id=query_id, settings={"readonly": 2}
        )
        return [tuple(row) for row in answer]

    def declared(self, name: str) -> list[tuple[str, str]]:
        """The columns and types of a statement's header, NULL where this server lacks them."""
        statement = load(name)
        _, missing = statement.adapted(self.absent(statement))
        return contract.declared(statement, missing)


def is_as_declared(ground: Ground, name: str, params: Mapping[str, Value]) -> list[tuple[Any, ...]]:
    """Hold a statement to its header, and return its rows."""
    statement, declared = load(name), ground.declared(name)
    rows = ground.rows(name, params)
    if statement.text.startswith(TELLS_MORE):
        assert all(len(row) >= len(declared) for row in rows)
    else:
        assert all(len(row) == len(declared) for row in rows)
    # A CHECK takes no format, and an empty array written into a text has no type.
    if not statement.text.startswith("CHECK") and [] not in params.values():
        found, number = ground.typed(name, params)
        assert (found[: len(declared)] if statement.text.startswith(TELLS_MORE) else found) == declared
        assert len(rows) == number or "system.processes" in statement.needs
    return [row[: len(declared)] for row in rows]
