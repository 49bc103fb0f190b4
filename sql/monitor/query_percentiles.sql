-- Initial queries that ended within the last hour, by kind, with exact percentiles of those that finished. chtui's own
-- queries are left out.
-- params:
-- columns:
--   query_kind     String
--   finished       UInt64
--   failed         UInt64
--   total_seconds  Float64  s
--   p50_seconds    Float64  s
--   p95_seconds    Float64  s
--   p99_seconds    Float64  s
--   max_seconds    Float64  s
-- needs: system.query_log system.query_log.query_kind
-- cost: moderate, an hour of the log
-- engines: 20.12+
SELECT
    CAST(kind, 'String') AS query_kind,
    finished,
    failed,
    total_ms / 1000 AS total_seconds,
    percentiles_ms[1] / 1000 AS p50_seconds,
    percentiles_ms[2] / 1000 AS p95_seconds,
    percentiles_ms[3] / 1000 AS p99_seconds,
    max_ms / 1000 AS max_seconds
FROM
(
    SELECT
        log.query_kind AS kind,
        countIf(type = 'QueryFinish') AS finished,
        countIf(type IN ('ExceptionBeforeStart', 'ExceptionWhileProcessing')) AS failed,
        sumIf(query_duration_ms, type = 'QueryFinish') AS total_ms,
        quantilesExactIf(0.5, 0.95, 0.99)(query_duration_ms, type = 'QueryFinish') AS percentiles_ms,
        maxIf(query_duration_ms, type = 'QueryFinish') AS max_ms
    FROM system.query_log AS log
    WHERE event_date >= toDate(now() - 3600)
        AND event_time > now() - 3600
        AND event_time <= now()
        AND type != 'QueryStart'
        AND is_initial_query
        AND NOT startsWith(query_id, 'chtui-')
    GROUP BY kind
)
ORDER BY query_kind
