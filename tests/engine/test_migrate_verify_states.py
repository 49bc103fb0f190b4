"""States of every kind a verification knows, beside the rows they were made of, on ClickHouse 26.9."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chtui.migrate import ddl, hosts, schema, verify_states
from chtui.migrate.layout import Ground, Layout, shards_of
from chtui.migrate.questions import Questions
from chtui.migrate.spec import AggregateSpec, DdlMode, Flavour, Source, Spec, TableSpec, Target
from chtui.migrate.traits import traits_of
from chtui.migrate.verification import AggregateCheck, State
from chtui.records import HostId
from tests.support import CLUSTER, SOURCE_CLUSTER, ModernRig

DATABASE = "verify_states"
VICTIM = 3
PEOPLE = 1000
HOUR = 1_769_864_400
BASE = TableSpec(
    name="calls",
    sources=(),
    time="ts",
    columns={
        "ts": "DateTime64(3)",
        "day": "Date DEFAULT toDate(ts)",
        "service": "LowCardinality(String)",
        "who": "String",
        "n": "UInt64",
        "f": "Float64",
    },
    sharding_key="cityHash64(who)",
    partition_by="toYYYYMM(day)",
    order_by="(service, ts)",
)
COLUMNS = {
    "rows": ("AggregateFunction(count)", "countState()"),
    "odd": ("AggregateFunction(countIf, UInt8)", "countIfState(n % 2 = 1)"),
    "total": ("AggregateFunction(sum, UInt64)", "sumState(n)"),
    "amount": ("AggregateFunction(sum, Float64)", "sumState(f)"),
    "least": ("AggregateFunction(min, Float64)", "minState(f)"),
    "most": ("AggregateFunction(max, Float64)", "maxState(f)"),
    "mean": ("AggregateFunction(avg, Float64)", "avgState(f)"),
    "people": ("AggregateFunction(uniq, String)", "uniqState(who)"),
    "spread": (
        "AggregateFunction(quantilesDD(0.01, 0.5, 0.95), UInt64)",
        "quantilesDDState(0.01, 0.5, 0.95)(n + 1)",
    ),
    "top": ("SimpleAggregateFunction(max, UInt64)", "max(n)"),
    "guess": ("AggregateFunction(quantilesTDigest(0.5), Float64)", "quantilesTDigestState(0.5)(f)"),
}
HOURLY = AggregateSpec(
    name="hourly",
    base="calls",
    columns={
        "hour": "DateTime",
        "service": "LowCardinality(String)",
        **{name: kind for name, (kind, _) in COLUMNS.items()},
    },
    select={
        "hour": "toStartOfHour(ts)",
        "service": "service",
        **{name: text for name, (_, text) in COLUMNS.items()},
    },
    where="service != 'idle'",
    partition_by="toYYYYMM(hour)",
    order_by="(hour, service)",
    time="hour",
)
ROWS = (
    f"INSERT INTO {DATABASE}.calls_local (ts, service, who, n, f) SELECT toDateTime64({HOUR} + number % 7200, 3), "
    f"['web', 'shop', 'idle'][number % 3 + 1], toString(number % {PEOPLE}), cityHash64(number) % 1000, "
    "0.1 * (cityHash64(number, 1) % 1000) FROM numbers({first}, 5000)"
)


@pytest.fixture
def ground(modern: ModernRig) -> Iterator[Ground]:
    """The base and the aggregate on all hosts, with rows on one of them that came in several blocks."""
    source = HostId("127.0.0.1", modern.ports[0])
    spec = Spec(
        name="states",
        source=Source(source, DATABASE, cluster=SOURCE_CLUSTER),
        target=Target(CLUSTER, DATABASE, Flavour.PLAIN, DdlMode.PER_HOST),
        tables=(BASE,),
        aggregates=(HOURLY,),
    )
    found = hosts.connect(modern.effective("admin").profile, CLUSTER, source)
    schema.ensure(found.targets, ddl.objects(spec, traits=traits_of(found.targets)))
    for first in (0, 5000, 10000, 15000):
        modern.query(VICTIM, ROWS.replace("{first}", str(first)))
    yield Ground(spec, found, Layout((), shards_of(spec, found), Flavour.PLAIN), {})
    found.close()
    for index in range(len(modern.nodes)):
        modern.query(index, f"DROP DATABASE {DATABASE} SYNC")


def check(ground: Ground, until_seconds: int | None = None) -> AggregateCheck:
    """What is found on the host that has rows."""
    (found,) = verify_states.check(ground, HOURLY, Questions(), until_seconds)
    assert found.host == ground.hosts.targets[VICTIM].id
    assert found.error == ""
    return found


def test_states_are_compared_by_what_they_are(ground: Ground, modern: ModernRig) -> None:
    def change(column: str, select: str, rows: int = 1) -> None:
        modern.query(
            VICTIM,
            f"INSERT INTO {DATABASE}.hourly_local (hour, service, {column}) "
            f"SELECT toDateTime({HOUR}), 'web', {select} FROM numbers({rows})",
        )

    assert list(verify_states.not_verified(HOURLY)) == ["guess"]
    found = check(ground)
    assert (found.state, found.keys) == (State.EQUAL, 4)
    # Rows in another order: sums of floats have other last bits then.
    modern.query(VICTIM, f"OPTIMIZE TABLE {DATABASE}.calls_local FINAL")
    modern.query(VICTIM, f"OPTIMIZE TABLE {DATABASE}.hourly_local FINAL")
    assert check(ground).state is State.EQUAL

    change("people", "uniqState('one more')")
    assert check(ground).state is State.EQUAL, "less than 1 % apart"
    changed: set[str] = set()
    for column, select, rows in (
        ("rows", "countState()", 1),
        ("total", "sumState(toUInt64(1))", 1),
        ("amount", "sumState(toFloat64(0.1))", 1),
        ("mean", "avgState(toFloat64(99))", 1),
        # One value more moves no quantile.
        ("spread", "quantilesDDState(0.01, 0.5, 0.95)(toUInt64(1e12))", 500),
        ("top", "toUInt64(1000000)", 1),
        ("least", "minState(toFloat64(-1))", 1),
        ("most", "maxState(toFloat64(1000))", 1),
        ("odd", "countIfState(toUInt8(1))", 1),
        ("people", "uniqState(concat('new ', toString(number)))", 50),
    ):
        change(column, select, rows)
        changed.add(column)
        assert set(check(ground).differing) == changed
    found = check(ground)
    assert set(found.differing.values()) == {1}
    assert (found.keys_differing, found.keys_without_rows, found.keys_without_states) == (1, 0, 0)
    (example,) = found.examples
    assert example.key[1] == "web"
    assert set(example.values) == set(found.differing)
    assert check(ground, HOUR + 7200).keys == 4
    assert check(ground, HOUR + 7199).keys == 2
    assert check(ground, HOUR + 3599).keys == 0
