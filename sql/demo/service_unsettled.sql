-- Names the statements of telemetry-ingestion that run on this host, those that run here on behalf of another host too.
-- columns:
--   query_id  String
-- cost: cheap, in memory
-- engines: 24.8+
SELECT DISTINCT initial_query_id AS query_id
FROM system.processes
WHERE startsWith(initial_query_id, 'ingestion-')
