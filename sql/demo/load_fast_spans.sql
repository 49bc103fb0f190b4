-- A dashboard's question: spans, failures and the 95th percentile per service in the last 15 minutes.
-- columns:
--   ServiceName  LowCardinality(String)
--   spans        UInt64
--   failed       UInt64
--   p95_ms       Float64                 ms
-- cost: cheap
-- engines: 24.8+
SELECT ServiceName, count() AS spans, countIf(StatusCode = 'Error') AS failed, quantile(0.95)(Duration) / 1e6 AS p95_ms
FROM otel.traces
WHERE Timestamp >= now() - INTERVAL 15 MINUTE
GROUP BY ServiceName
ORDER BY failed DESC
SETTINGS max_threads = 1
