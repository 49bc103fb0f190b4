-- The operating system's load as the server last measured it, one row a value. Ratios are shares of all cores, 0..1.
-- params:
-- columns:
--   name   String
--   value  Float64
-- needs: system.asynchronous_metrics
-- cost: cheap, values in memory
-- engines: 18.16+
SELECT metric AS name, value
FROM system.asynchronous_metrics
WHERE metric IN ('LoadAverage1', 'OSUserTimeNormalized', 'OSSystemTimeNormalized', 'OSIOWaitTimeNormalized', 'MemoryResident', 'OSMemoryTotal', 'OSMemoryAvailable')
