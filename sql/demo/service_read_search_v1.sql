-- The backend's trace search: the traces of the last quarter of an hour with the most failures, asked of v1.
-- columns:
--   TraceId        String
--   StartTime      DateTime64(9)
--   EndTime        DateTime64(9)
--   SpanCount      UInt64
--   RootService    LowCardinality(String)
--   TotalDuration  UInt64                  ns
--   ErrorCount     UInt64
-- cost: moderate, reads at most a day
-- engines: 24.8+
SELECT
    TraceId,
    min(Timestamp) AS StartTime,
    max(Timestamp) AS EndTime,
    count() AS SpanCount,
    argMinIf(ServiceName, Timestamp, ParentSpanId = '') AS RootService,
    max(Duration) AS TotalDuration,
    countIf(StatusCode = 'Error') AS ErrorCount
FROM otel.traces
WHERE Timestamp >= now() - INTERVAL 15 MINUTE
GROUP BY TraceId
ORDER BY ErrorCount DESC, StartTime DESC
LIMIT 20
SETTINGS max_threads = 1
