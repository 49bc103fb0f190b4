-- The host's limits, one row each; 0 means no limit.
-- params:
-- columns:
--   name   String
--   value  UInt64
-- needs: system.server_settings
-- cost: cheap, values in memory
-- engines: 23.3+
SELECT name, toUInt64OrZero(value) AS value
FROM system.server_settings
WHERE name IN ('max_concurrent_queries', 'max_server_memory_usage')
