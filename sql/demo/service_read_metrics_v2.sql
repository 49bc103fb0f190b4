-- The backend's metrics aggregation: gauges of the last day, every five minutes, asked of v2.
-- columns:
--   Time5Min     DateTime
--   ServiceName  LowCardinality(String)
--   MetricName   LowCardinality(String)
--   AvgValue     Float64
--   Points       UInt64
-- cost: moderate, reads at most a day
-- engines: 24.8+
SELECT
    toStartOfFiveMinute(Timestamp) AS Time5Min,
    ServiceName,
    MetricName,
    avg(Value) AS AvgValue,
    count() AS Points
FROM otel_v2.metrics
WHERE Timestamp >= now() - INTERVAL 1 DAY AND MetricType = 'GAUGE'
GROUP BY Time5Min, ServiceName, MetricName
ORDER BY Time5Min, ServiceName, MetricName
LIMIT 1000
SETTINGS max_threads = 1
