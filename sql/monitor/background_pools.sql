-- Tasks in the host's background pools now, and how many each takes at most where the server tells that here.
-- params:
-- columns:
--   name   String
--   value  Int64
-- needs: system.metrics
-- cost: cheap, values in memory
-- engines: 18.16+
SELECT metric AS name, toInt64(value) AS value
FROM system.metrics
WHERE metric LIKE 'Background%PoolTask' OR metric LIKE 'Background%PoolSize'
