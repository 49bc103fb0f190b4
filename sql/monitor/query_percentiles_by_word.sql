-- Initial queries that ended within the last hour, by kind, with exact percentiles of those that finished. chtui's own
-- queries are left out. For servers that tell no kind: it is the first word of the text.
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
-- needs: system.query_log
-- cost: moderate, an hour of the log with its texts
-- engines: 18.16+
SELECT
    kind AS query_kind,
    finished,
    failed,
    total_ms / 1000 AS total_seconds,
    percentiles_ms[1] / 1000 AS p50_seconds,
    percentiles_ms[2] / 1000 AS p95_seconds,
    percentiles_ms[3] / 1000 AS p99_seconds,
    max_ms / 1000 AS max_seconds
FROM
(
    WITH lower(extract(substring(log.query, 1, 1000), '^(?:\\s|\\x28|-[-][^\\n]*\\n|/[*](?s:.*?)[*]/)*([A-Za-z]+)')) AS word
    SELECT
        multiIf(word IN ('select', 'with'), 'Select', word = 'desc', 'Describe', concat(upper(substring(word, 1, 1)), substring(word, 2))) AS kind,
        countIf(toInt8(type) = 2) AS finished,
        countIf(toInt8(type) > 2) AS failed,
        sumIf(query_duration_ms, toInt8(type) = 2) AS total_ms,
        quantilesExactIf(0.5, 0.95, 0.99)(query_duration_ms, toInt8(type) = 2) AS percentiles_ms,
        maxIf(query_duration_ms, toInt8(type) = 2) AS max_ms
    FROM system.query_log AS log
    WHERE event_date >= toDate(now() - 3600)
        AND event_time > now() - 3600
        AND event_time <= now()
        AND toInt8(type) > 1
        AND is_initial_query
        AND NOT startsWith(query_id, 'chtui-')
    GROUP BY kind
)
ORDER BY query_kind
