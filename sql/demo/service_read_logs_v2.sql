-- The backend's log search: the newest lines of the last day that name an upstream, asked of v2.
-- columns:
--   Timestamp     DateTime64(9)
--   ServiceName   LowCardinality(String)
--   SeverityText  LowCardinality(String)
--   Body          String
-- cost: moderate, reads at most a day
-- engines: 24.8+
SELECT Timestamp, ServiceName, SeverityText, Body
FROM otel_v2.logs
WHERE Timestamp >= now() - INTERVAL 1 DAY AND hasToken(Body, 'upstream')
ORDER BY Timestamp DESC
LIMIT 100
SETTINGS max_threads = 1
