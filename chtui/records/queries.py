"""Records of running queries and of the query log."""

from __future__ import annotations

from typing import NamedTuple


class RunningQuery(NamedTuple):
    """A row of `system.processes`: a query, or the part of another host's query."""

    query_id: str
    initial_query_id: str
    """The query it is part of; its own id for a query that is no part."""
    is_initial_query: bool
    user: str
    """Empty for the server's own."""
    initial_user: str
    interface: str
    """A word, or a number on servers that tell no word."""
    elapsed_seconds: float
    memory_bytes: int
    peak_memory_bytes: int
    read_rows: int
    """On the host that began it: with the rows its parts have reported."""
    total_rows: int
    """Rows it will read, as the server guesses; 0 while it does not know."""
    is_cancelled: bool
    client_name: str
    http_user_agent: str
    client_address: str
    query: str
    """Its first 2000 characters."""


class QueryProcess(NamedTuple):
    """A running query with all that is known of it."""

    query_id: str
    initial_query_id: str
    is_initial_query: bool
    user: str
    initial_user: str
    interface: str
    elapsed_seconds: float
    memory_bytes: int
    peak_memory_bytes: int
    read_rows: int
    total_rows: int
    is_cancelled: bool
    client_name: str
    http_user_agent: str
    client_address: str
    query: str
    setting_names: tuple[str, ...]
    setting_values: tuple[str, ...]
    event_names: tuple[str, ...]
    event_values: tuple[int, ...]


class KindLatency(NamedTuple):
    """How long queries of one kind took that ended within one minute."""

    minutes_ago: int
    query_kind: str
    """Empty for a text the server could not parse."""
    finished: int
    failed: int
    total_seconds: float
    """Of those that finished."""
    max_seconds: float
    buckets: tuple[int, ...]
    """Bucket n holds durations from 1.05^n ms up, -1 those under 1 ms; in no order."""
    counts: tuple[int, ...]
    """How many finished in each of the buckets."""


class KindPercentiles(NamedTuple):
    """Exact percentiles of one kind's durations on one host within the last hour."""

    query_kind: str
    finished: int
    failed: int
    total_seconds: float
    p50_seconds: float
    p95_seconds: float
    p99_seconds: float
    max_seconds: float


class QueryPattern(NamedTuple):
    """Queries of one text without its values that ended within the last hour."""

    normalized_query_hash: str
    query_kind: str
    finished: int
    failed: int
    total_seconds: float
    max_memory_bytes: int
    read_rows: int
    buckets: tuple[int, ...]
    counts: tuple[int, ...]


class PatternBefore(NamedTuple):
    """How long queries of one pattern took in the day before the last hour."""

    normalized_query_hash: str
    finished: int
    buckets: tuple[int, ...]
    counts: tuple[int, ...]


class PatternText(NamedTuple):
    """A text of one pattern."""

    normalized_query_hash: str
    query: str
    """Its first 500 characters."""


class PatternStep(NamedTuple):
    """Queries of one pattern that ended within one quarter of an hour."""

    quarters_ago: int
    finished: int
    failed: int
    total_seconds: float
    max_seconds: float
    buckets: tuple[int, ...]
    counts: tuple[int, ...]


class EndedQuery(NamedTuple):
    """A query that finished or failed, as lists show it."""

    query_id: str
    initial_query_id: str
    user: str
    age_seconds: int
    """Since it ended."""
    duration_seconds: float
    memory_bytes: int
    """At its peak."""
    read_rows: int
    result_rows: int
    client: str
    exception_code: int
    """0 for one that did not fail."""
    exception: str
    query: str


class LoggedQuery(NamedTuple):
    """A row of `system.query_log`: how a query, or a part of it, began or ended."""

    query_id: str
    initial_query_id: str
    is_initial_query: bool
    type: str
    """`QueryStart`, `QueryFinish`, `ExceptionBeforeStart`, `ExceptionWhileProcessing`, or their numbers 1 to 4."""
    user: str
    interface: str
    client: str
    client_address: str
    age_seconds: int
    """Since this was logged."""
    duration_seconds: float
    memory_bytes: int
    read_rows: int
    read_bytes: int
    written_rows: int
    written_bytes: int
    result_rows: int
    result_bytes: int
    exception: str
    query: str
    setting_names: tuple[str, ...]
    setting_values: tuple[str, ...]
    event_names: tuple[str, ...]
    event_values: tuple[int, ...]


class QueryText(NamedTuple):
    """The text of one query."""

    query: str
    formatted: str
    """As the server formats it; empty where it cannot."""


class ExplainLine(NamedTuple):
    """A line of a query's plan."""

    line: str
