"""One connection to one server: the only place that talks HTTP to ClickHouse.

A connection belongs to the thread that made it. Making it sends queries, so it too happens in a host's lane.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from chtui.errors import QueryError
from chtui.fleet.literal import Value, literal
from chtui.fleet.trouble import from_driver, from_login, speaks_tls
from chtui.records import Cost

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from chtui.profile.endpoint import Endpoint
    from chtui.profile.model import Credentials, Tls
    from chtui.sql import Statement

PARAMETERS_SINCE = (19, 14)
"""The first version that binds `{name:Type}` itself. Source: ClickHouse 19.14 changelog."""
READ_TIMEOUT_MARGIN_SECONDS = 1.0
"""How much longer the socket waits than the deadline: whoever waits for the call decides first, and ends it."""

GONE = re.compile(r"Table (?:\S+\.)?(\S+) doesn't exist|File not found: \S*/metadata/\S*?([^/\s]+)\.sql\b")
LISTING_TRIES = 6
"""How often tables are listed while others drop some. Measured on 18.16 beside four connections that made and dropped tables without
a pause: asked once, the listing failed within 200 times, asked so often it did not."""


class Answer(NamedTuple):
    """What one read gave."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    cost: Cost
    missing: Mapping[str, str] = MappingProxyType({})
    """Column to reason, for columns this server cannot fill."""


def parse_version(version: str) -> tuple[int, ...]:
    """Return `26.9.2.1` as numbers, as many as lead the text; empty for none."""
    numbers: list[int] = []
    for word in version.split("."):
        if not word.isdecimal():
            break
        numbers.append(int(word))
    return tuple(numbers)


def query_ids(purpose: str, prefix: str = "") -> Iterator[str]:
    """Return query ids that no other process and no earlier call of this one has used, without end; threads may share it.

    With `prefix`, one of `query_id_prefix`, all begin with it.
    """
    # `map` over `count` is one step under the interpreter's lock; a generator that two threads enter at once fails.
    return map(f"{prefix or query_id_prefix()}{purpose}-{{}}".format, count(1))


def query_id_prefix() -> str:
    """Return a beginning for query ids that nobody else uses."""
    return f"chtui-{secrets.token_hex(4)}-"


LOGIN_IDS = query_ids("login")


class Driver:
    """A logged-in connection to one server.

    Raises (on construction):
        ConnectError: the server cannot be reached, is none, or refuses the user.
        ConfigError: the password cannot be had.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials,
        tls: Tls,
        *,
        connect_seconds: float,
        seconds: float,
        ping_first: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._where = str(endpoint)
        self._secure = tls.secure
        self._pool = _pool(tls, connect_seconds)
        self._pool.deadline_seconds = seconds + READ_TIMEOUT_MARGIN_SECONDS
        self._pool.query_ids = LOGIN_IDS
        try:
            if ping_first:
                # A host that hangs would run every login query sent meanwhile once it wakes: /ping runs none.
                self._ping()
            self._client = _login(endpoint, credentials, tls, self._pool)
        except Exception as error:
            self._pool.clear()
            raise from_login(error, self._where, ping=self._ping, tls=self._shakes_hands) from error
        self.version = self._client.server_version or ""
        self.binds_parameters = parse_version(self.version) >= PARAMETERS_SINCE

    @property
    def readonly_level(self) -> int:
        """The user's own `readonly` setting: 0 may write, 1 may only read, 2 may read and change settings."""
        setting = self._client.server_settings.get("readonly")
        return int(setting.value) if setting is not None else 0

    def read(
        self,
        statement: Statement,
        params: Mapping[str, Value],
        *,
        query_id: str,
        seconds: float,
        absent: frozenset[str] = frozenset(),
        settings: Mapping[str, int | str] | None = None,
        database: str = "",
    ) -> Answer:
        """Run a statement that reads, within `seconds`, and return its rows; in `database`, or the user's own.

        Settings the user may not change, or the server does not know, are left out.

        Raises:
            QueryError: the server refused or failed the statement.
            ConnectError: the connection is gone.
        """
        text, missing = statement.adapted(absent)
        allowed = self._reading(seconds, settings)
        text, values = self._bound(statement, text, params)
        sent = {**allowed, "query_id": query_id, **({"database": database} if database else {})}
        started = time.monotonic()

        def answer() -> Answer:
            with self._request(query_id, seconds):
                result = self._client.query(text, parameters=values, settings=sent, tz_mode="aware")
                # The answer is read here, and the connection may break meanwhile.
                return Answer(
                    result.column_names, result.result_rows, _cost(result.summary, started), missing
                )

        for _ in range(LISTING_TRIES - 1):
            try:
                return answer()
            except QueryError as error:
                if time.monotonic() - started > seconds or not self._is_passing(error, statement, text):
                    raise
        return answer()

    def raw(
        self,
        statement: Statement,
        params: Mapping[str, Value],
        *,
        query_id: str,
        seconds: float,
        output_format: str,
    ) -> bytes:
        """Run a statement that reads, within `seconds`, and return its rows in a format of ClickHouse's, all of them in memory.

        Raises:
            QueryError: the server refused or failed the statement.
            ConnectError: the connection is gone.
        """
        text, values = self._bound(statement, statement.text, params)
        sent = {**self._reading(seconds, None), "query_id": query_id}
        with self._request(query_id, seconds):
            return self._client.raw_query(text, parameters=values, settings=sent, fmt=output_format)

    def command(
        self,
        statement: Statement,
        params: Mapping[str, Value],
        *,
        query_id: str,
        seconds: float,
        settings: Mapping[str, int | str] | None = None,
        body: bytes | None = None,
    ) -> None:
        """Run a statement that reads nothing, within `seconds`; with these settings, all of which the server must know.

        `body` are the rows of an INSERT, in the format it names.

        Raises:
            QueryError: the server refused or failed the statement.
            ConnectError: the connection is gone.
        """
        text, values = self._bound(statement, statement.text, params)
        sent = {**(settings or {}), "query_id": query_id}
        with self._request(query_id, seconds):
            self._client.command(text, parameters=values, data=body, settings=sent)

    def close(self) -> None:
        """Close the connection. What still runs on the server goes on there."""
        self._client.close()
        self._pool.clear()

    def _bound(
        self, statement: Statement, text: str, params: Mapping[str, Value]
    ) -> tuple[str, dict[str, Any] | None]:
        """Text and parameters as the server takes them: an old one binds none, it gets literals."""
        if not params or self.binds_parameters:
            return text, dict(params) or None
        return statement.bound(text, {name: literal(value) for name, value in params.items()}), None

    def _is_passing(self, error: QueryError, statement: Statement, text: str) -> bool:
        """Whether an old server failed to list its tables over one that was dropped meanwhile and that nobody asked for."""
        if self.binds_parameters or "system.tables" not in statement.needs:
            return False
        gone = GONE.search(error.what)
        return gone is not None and (gone[1] or gone[2]) not in text

    @contextmanager
    def _request(self, query_id: str, seconds: float) -> Iterator[None]:
        self._pool.deadline_seconds = seconds + READ_TIMEOUT_MARGIN_SECONDS
        try:
            yield
        except Exception as error:
            raise from_driver(error, self._where, query_id=query_id) from error

    def _reading(self, seconds: float, settings: Mapping[str, int | str] | None) -> dict[str, int | str]:
        """What a statement that reads is bounded by, and the settings it asks for, as far as the user may set them."""
        wanted: dict[str, int | str] = {
            "readonly": 1,
            "max_execution_time": max(1, int(seconds)),
            "max_threads": 1,
            "os_thread_priority": 10,
            "log_comment": "chtui",
        }
        return self._allowed({**wanted, **(settings or {})})

    def _allowed(self, wanted: Mapping[str, int | str]) -> dict[str, int | str]:
        known = self._client.server_settings
        return {name: value for name, value in wanted.items() if name in known and not known[name].readonly}

    def _shakes_hands(self) -> bool:
        return not self._secure and speaks_tls(self._endpoint.host, self._endpoint.port, 1.0)

    def _ping(self) -> tuple[int, str]:
        scheme = "https" if self._secure else "http"
        response = self._pool.request("GET", f"{scheme}://{self._where}/ping", retries=False)
        return response.status, bytes(response.data[:200]).decode("utf-8", "replace")


def _cost(summary: Mapping[str, Any], started: float) -> Cost:
    elapsed = summary.get("elapsed_ns")
    rows, size = (
        int(summary[name]) if summary.get(name) is not None else None for name in ("read_rows", "read_bytes")
    )
    if elapsed is not None:
        return Cost(int(elapsed) / 1e9, True, rows, size)
    return Cost(time.monotonic() - started, False)


def _pool(tls: Tls, connect_seconds: float) -> Any:
    from chtui.fleet.pool import make_pool

    return make_pool(tls, connect_seconds)


def _login(endpoint: Endpoint, credentials: Credentials, tls: Tls, pool: Any) -> Client:
    from clickhouse_connect import common
    from clickhouse_connect.driver.httpclient import HttpClient

    # Who is logged in on this machine is nobody's business there.
    common.set_setting("send_os_user", False)

    # The driver logs a warning for every failed call; with no handler Python writes it over the screen.
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    return HttpClient(
        interface="https" if tls.secure else "http",
        host=endpoint.host,
        port=endpoint.port,
        username=credentials.user,
        password=credentials.secret.reveal(),
        database="",
        compress=False,
        query_retries=0,
        client_name="chtui",
        client_cert=str(tls.cert_file) if tls.cert_file else None,
        pool_mgr=pool,
        autogenerate_session_id=False,
        autogenerate_query_id=False,
    )
