-- The operating system's load as the server last measured it. Ratios are shares of all cores.
-- params:
-- columns:
--   load_average_1m            Nullable(Float64)
--   cpu_user_ratio             Nullable(Float64)
--   cpu_system_ratio           Nullable(Float64)
--   cpu_iowait_ratio           Nullable(Float64)
--   resident_bytes             Nullable(UInt64)   B
--   os_memory_total_bytes      Nullable(UInt64)   B
--   os_memory_available_bytes  Nullable(UInt64)   B
-- needs: system.asynchronous_metrics
-- cost: cheap, values in memory
-- engines: 18.16+
SELECT
    if(countIf(metric = 'LoadAverage1') = 0, NULL, maxIf(value, metric = 'LoadAverage1')) AS load_average_1m,
    if(countIf(metric = 'OSUserTimeNormalized') = 0, NULL, maxIf(value, metric = 'OSUserTimeNormalized')) AS cpu_user_ratio,
    if(countIf(metric = 'OSSystemTimeNormalized') = 0, NULL, maxIf(value, metric = 'OSSystemTimeNormalized')) AS cpu_system_ratio,
    if(countIf(metric = 'OSIOWaitTimeNormalized') = 0, NULL, maxIf(value, metric = 'OSIOWaitTimeNormalized')) AS cpu_iowait_ratio,
    if(countIf(metric = 'MemoryResident') = 0, NULL, toUInt64(maxIf(value, metric = 'MemoryResident'))) AS resident_bytes,
    if(countIf(metric = 'OSMemoryTotal') = 0, NULL, toUInt64(maxIf(value, metric = 'OSMemoryTotal'))) AS os_memory_total_bytes,
    if(countIf(metric = 'OSMemoryAvailable') = 0, NULL, toUInt64(maxIf(value, metric = 'OSMemoryAvailable'))) AS os_memory_available_bytes
FROM system.asynchronous_metrics
