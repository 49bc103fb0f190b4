"""The error tree. Every error says in one line what is wrong, where, and what to do."""

from __future__ import annotations

from chtui.text import one_line


class ChtuiError(Exception):
    """The root of every error chtui raises on purpose.

    `line` is what a person reads; it never holds a secret and is safe to draw.
    """

    exit_code = 2
    """The process's exit code when this error ends a command."""

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = one_line(what)
        """What is wrong."""
        self.where = one_line(where)
        """Where: a file and line, a host, a flag."""
        self.fix = one_line(fix)
        """What to do about it."""

    @property
    def line(self) -> str:
        """The whole error as one line of text."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}; {self.fix}" if self.fix else head

    def __str__(self) -> str:
        return self.line


class UsageError(ChtuiError):
    """The command line cannot be obeyed as it was given."""


class ConfigError(ChtuiError):
    """A configuration file or variable holds something that cannot be used."""


class DemoError(ChtuiError):
    """The embedded cluster cannot be started or kept."""


class UnreachableError(ChtuiError):
    """No host of the cluster could be asked anything."""

    exit_code = 3


class ConnectError(ChtuiError):
    """A host could not be talked to.

    `kind` is the word for the host's state: `down`, `refused`, `auth_failed`, `denied`, `not_clickhouse` or `mismatch`.
    """

    def __init__(self, kind: str, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.kind = kind


class QueryError(ChtuiError):
    """The server refused or failed a query.

    `code` is ClickHouse's own error code, 0 where the server sent none.
    """

    def __init__(
        self, what: str, *, code: int = 0, query_id: str = "", where: str = "", fix: str = ""
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.code = code
        self.query_id = query_id


class DeadlineError(ChtuiError):
    """A call had not ended when its time was up; what became of it is unknown."""


class UnavailableError(ChtuiError):
    """This server or this user cannot answer the question; `what` says why."""


class MigrateError(ChtuiError):
    """A migration cannot go on as it was told.

    `exit_code` is 1 for a blocker or a difference, 3 where something is unknown or cannot be reached, 4 where another
    operator holds the lease, 5 where it is paused; 2, the default, for bad input.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "", exit_code: int = 2) -> None:
        super().__init__(what, where=where, fix=fix)
        self.exit_code = exit_code
