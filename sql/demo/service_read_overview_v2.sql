-- The backend's service overview: the metrics of the last hour by service, asked of v2.
-- columns:
--   ServiceName  LowCardinality(String)
--   MetricName   LowCardinality(String)
--   AvgValue     Float64
--   MaxValue     Float64
--   Points       UInt64
--   ActivePods   UInt64
-- cost: moderate, reads at most a day
-- engines: 24.8+
SELECT
    ServiceName,
    MetricName,
    avg(Value) AS AvgValue,
    max(Value) AS MaxValue,
    count() AS Points,
    uniq(ResourceAttributes['k8s.pod.name']) AS ActivePods
FROM otel_v2.metrics
WHERE Timestamp >= now() - INTERVAL 1 HOUR
GROUP BY ServiceName, MetricName
ORDER BY ServiceName, MetricName
SETTINGS max_threads = 1
