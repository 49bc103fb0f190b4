-- The host's limits; 0 means no limit.
-- params:
-- columns:
--   max_concurrent_queries         Nullable(UInt64)
--   max_server_memory_usage_bytes  Nullable(UInt64)  B
-- needs: system.server_settings
-- cost: cheap, values in memory
-- engines: 23.3+
SELECT
    maxIf(toUInt64OrNull(value), name = 'max_concurrent_queries') AS max_concurrent_queries,
    maxIf(toUInt64OrNull(value), name = 'max_server_memory_usage') AS max_server_memory_usage_bytes
FROM system.server_settings
