"""The services of a demo as tests use them: told, asked, and held against what the tables have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx

from chtui.demo import DemoCluster
from chtui.demo.record import RECORD, Sent, Version, read
from tests.support import CLUSTER, wait_until

ANCHOR = date(2026, 3, 1)
"""What a demo of these tests fills in ends so long ago that the services' rows are told apart by their time."""
FAST = {"rows_per_second": 240, "batch_seconds": 0.3}
CALM = {"late_ratio": 0, "early_ratio": 0, "retry_ratio": 0, "skew_seconds": []}
ID = {
    "traces": "SpanId",
    "logs": "LogAttributes['log.record.uid']",
    "metrics": "MetricAttributes['point.uid']",
}
MAPPED = {
    "SpanKind": "upper(SpanKind)",
    "StatusCode": "upper(StatusCode)",
    "MetricType": "if(MetricType = 'Sum', 'COUNTER', upper(MetricType))",
}
Tell = Callable[..., dict[str, Any]]


def teller(demo: DemoCluster) -> Tell:
    """What asks the ingestion: `tell("pause")` posts, `tell()` asks for its status."""
    services = demo.info.services
    assert services is not None

    def tell(path: str = "", **content: object) -> dict[str, Any]:
        url = f"{services.ingestion_url}/{path or 'status'}"
        if path:
            answer = httpx.post(url, json=content, trust_env=False, timeout=60)
        else:
            answer = httpx.get(url, trust_env=False, timeout=10)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return tell


def calmed(demo: DemoCluster) -> Tell:
    """What asks the ingestion, which runs fast, calmly, and to v1 only."""
    tell = teller(demo)
    tell("dual-write", on=False, spread_seconds=0)
    tell("rates", **FAST, **CALM)
    tell("resume")
    return tell


def backend(demo: DemoCluster, version: str = "") -> dict[str, Any]:
    """The backend's status, after it was told a version where one is named."""
    assert demo.info.services is not None
    url = demo.info.services.backend_url
    if version:
        answer = httpx.post(f"{url}/clickhouse-version", json={"version": version}, trust_env=False)
    else:
        answer = httpx.get(f"{url}/status", trust_env=False)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def grew(tell: Tell, before: dict[str, Any], name: str, by: int = 1) -> None:
    """Wait until a counter of every writer is so much higher than before."""
    least = [count + by for count in writers(before, name)]
    wait_until(lambda: all(map(int.__ge__, writers(tell(), name), least)), 30, name)


def sent_since(demo: DemoCluster, mark: int = 0) -> list[Sent]:
    """What is recorded, but for so many batches."""
    return read(demo.info.directory / RECORD)[mark:]


def recorded(demo: DemoCluster, table: str, version: Version, mark: int = 0) -> Counter[tuple[str, int]]:
    """How often each row, by id and time, must be there, but for so many batches; nothing may be unknown."""
    found: Counter[tuple[str, int]] = Counter()
    for sent in sent_since(demo, mark):
        if sent.batch.table == table:
            copies = sent.copies[version]
            assert copies.unknown == 0, sent
            for row in zip(sent.batch.ids, sent.batch.times_ns, strict=True):
                found[row] += copies.least
    return +found


def stored(demo: DemoCluster, table: str, source: str) -> Counter[tuple[str, int]]:
    """How often each row of now is in a table."""
    text = f"SELECT {ID[table]}, toUnixTimestamp64Nano(Timestamp), count() FROM {source} WHERE Timestamp > now() - INTERVAL 1 DAY GROUP BY ALL"
    rows = [line.split("\t") for line in demo.query(0, text).splitlines()]
    return Counter({(row_id, int(time_ns)): int(count) for row_id, time_ns, count in rows})


def v2_rows(demo: DemoCluster, table: str) -> Counter[tuple[str, int]]:
    """What the local tables of all shards hold."""
    return stored(demo, table, f"cluster('{CLUSTER}', otel_v2, {table}_local)")


def writers(status: dict[str, Any], name: str) -> list[Any]:
    """One fact of every writer."""
    return [writer[name] for writer in status["writers"]]


def whole_rows(demo: DemoCluster, source: str, table: str, mapped: dict[str, str] | None = None) -> str:
    """Number and digest of all columns of v1's table, with other expressions for some."""
    columns = demo.query(
        0, f"SELECT name FROM system.columns WHERE database = 'otel' AND table = '{table}' ORDER BY name"
    ).split()
    named = ", ".join((mapped or {}).get(column, f"toString({column})") for column in columns)
    text = demo.query(0, f"SELECT count(), sum(cityHash64(formatRow('TSV', {named}))) FROM {source}")
    assert int(text.split()[0]) > 0
    return text
