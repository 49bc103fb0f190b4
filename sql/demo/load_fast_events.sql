-- A backend's question, over all shards: events by kind in the last hour.
-- columns:
--   Kind    LowCardinality(String)
--   events  UInt64
-- cost: cheap
-- engines: 24.8+
SELECT Kind, count() AS events
FROM demo.events_all
WHERE EventTime >= now() - INTERVAL 1 HOUR
GROUP BY Kind
SETTINGS max_threads = 1
