"""The spec itself: expressions that would give other rows each time, aggregates that do not add up. Asks no server."""

from __future__ import annotations

import re

from chtui.errors import MigrateError
from chtui.migrate import definitions, expressions
from chtui.migrate.live import dual, watermark
from chtui.migrate.preflight.findings import Finding, Kind, blocker, note, warning
from chtui.migrate.preflight.look import Look
from chtui.migrate.spec import Retries, Spec, TableSpec

NOT_REPEATABLE = re.compile(
    r"(?i:rand\w*|now|now64|nowInBlock|today|yesterday|utc_?timestamp|generate(UUID|ULID|Snowflake)\w*|fuzzBits"
    r"|rowNumber\w*|blockNumber|blockSize|blockSerializedSize|runningAccumulate|runningDifference\w*|neighbor"
    r"|hostname|fqdn|uptime|currentUser|user|queryID|initialQueryID|connectionId|getMacro|shardNum|shardCount|tcpPort|version"
    r"|serverUUID|timezone|serverTimezone)"
)
"""Functions whose value depends on when, where or in which order they are computed."""
FINAL = re.compile(
    r"(?:avg|quantile|quantiles|median|uniq|stddev|var|corr|covar|argMin|argMax|group[A-Z]|topK|count|sum|min|max|any)\w*"
)
STATE = ("State", "StateIf", "IfState")


def check(look: Look) -> None:
    """Judge the spec."""
    look.add(judge_keys(look.spec, len(look.shards())))
    look.add(judge_repeatable(look.spec))
    look.add(judge_additive(look.spec))
    look.add(judge_retries(look.spec))
    look.add(judge_owners(look.spec))


def judge_keys(spec: Spec, shards: int) -> list[Finding]:
    """A row's shard must follow from the row alone: else no slice is a closed set, and nothing can be proven by shard."""
    found = []
    for table in spec.tables:
        changing = _changing(table.sharding_key)
        if changing:
            what = f"the sharding key calls {', '.join(changing)}: a row would go to another shard each time"
            remedy = "shard by a hash of columns"
            found.append(
                blocker(Kind.SHARDING_KEY, table.name, None, what, evidence=table.sharding_key, remedy=remedy)
            )
        elif not expressions.names(table.sharding_key) and shards > 1:
            what = "the sharding key is the same for all rows: all of them would be on one shard"
            found.append(warning(Kind.SHARDING_KEY, table.name, None, what, evidence=table.sharding_key))
    return found


def judge_repeatable(spec: Spec) -> list[Finding]:
    """What is computed when a row is stored must be the same when it is computed again, for the copy and for every proof."""
    texts: list[tuple[str, str]] = []
    for table in spec.tables:
        texts += [
            (f"{table.name} partition_by", table.partition_by),
            (f"{table.name} order_by", table.order_by),
        ]
        parsed = ((name, definitions.parse(text)) for name, text in table.columns.items())
        texts += [(f"{table.name}.{name}", definition.expression) for name, definition in parsed]
        texts += [
            (f"{table.name}.{name} from {source.name}", text)
            for source in table.sources
            for name, text in source.mapping.items()
        ]
    for aggregate in spec.aggregates:
        texts += [(f"{aggregate.name}.{name}", text) for name, text in aggregate.select.items()]
        texts.append((f"{aggregate.name} where", aggregate.where))
    return [
        blocker(
            Kind.NOT_REPEATABLE,
            name,
            None,
            f"it calls {', '.join(_changing(text))}: replicas, copy and proof would each have another value",
            evidence=text,
            remedy="compute it from the row's own columns",
        )
        for name, text in texts
        if _changing(text)
    ]


def judge_additive(spec: Spec) -> list[Finding]:
    """An aggregate is published in pieces, which merges put together: only states and keys survive that."""
    found = []
    for aggregate in spec.aggregates:
        for name in aggregate.keys:
            text = aggregate.select.get(name, "")
            final = sorted(
                call
                for call in expressions.functions(text)
                if FINAL.fullmatch(call) and not call.endswith(STATE)
            )
            if final:
                what = f"it holds results of {', '.join(final)}, which cannot be added up: two batches with 100 would read 200, or one of them"
                remedy = f"make it AggregateFunction({final[0]}, ...) and select {final[0]}State(...)"
                found.append(
                    blocker(
                        Kind.NOT_ADDITIVE,
                        f"{aggregate.name}.{name}",
                        None,
                        what,
                        evidence=text,
                        remedy=remedy,
                    )
                )
    return found


def judge_retries(spec: Spec) -> list[Finding]:
    """What becomes of rows that writers sent twice is a choice of the spec; while they go on there is none."""
    found = []
    for table in spec.tables:
        evidence = f"retries = {table.retries}"
        if table.retries is not Retries.COLLAPSE:
            what = "rows are kept as often as v1 has them, retries included"
            found.append(note(Kind.DEDUPLICATION, table.name, None, what, evidence=evidence))
        elif dual.HOOK in spec.hooks:
            what = (
                "writers go on: what they send twice would come to v2 twice, "
                "and nobody could tell a retry from a row the copy doubled"
            )
            remedy = (
                f'say retries = "keep", or stop the writers and take hook {dual.HOOK} out: v1 is still then'
            )
            found.append(
                blocker(Kind.DEDUPLICATION, table.name, None, what, evidence=evidence, remedy=remedy)
            )
        else:
            found += _judge_collapsed(table, evidence)
    return found


def _judge_collapsed(table: TableSpec, evidence: str) -> list[Finding]:
    """Which rows count as equal."""
    what = "rows of one table of v1 that are equal in every column v2 keeps come to v2 once"
    if len(table.sources) > 1:
        names = " and ".join(source.name for source in table.sources)
        what += f"; equal rows of {names} are not compared with each other"
    found = [note(Kind.DEDUPLICATION, table.name, None, what, evidence=evidence)]
    for source in table.sources:
        if source.drops:
            what = "rows that differ only in columns v2 drops are taken for retries, and come to v2 once"
            remedy = 'keep what tells rows apart, or say retries = "keep"'
            columns = ", ".join(source.drops)
            found.append(
                warning(
                    Kind.DEDUPLICATION,
                    f"{source.name} > {table.name}",
                    None,
                    what,
                    evidence=columns,
                    remedy=remedy,
                )
            )
    return found


def judge_owners(spec: Spec) -> list[Finding]:
    """Where writers go on, the event time alone must tell the partition in which theirs and the backfill's rows meet."""
    if dual.HOOK not in spec.hooks:
        return []
    found = []
    for table in spec.tables:
        try:
            watermark.given(table, 0)
        except MigrateError as error:
            found.append(
                blocker(
                    Kind.PARTITION_KEY,
                    table.name,
                    None,
                    error.what,
                    evidence=table.partition_by,
                    remedy=error.fix,
                )
            )
    return found


def _changing(text: str) -> list[str]:
    return sorted(name for name in expressions.functions(text) if NOT_REPEATABLE.fullmatch(name))
