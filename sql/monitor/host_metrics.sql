-- Gauges and counters of one host in one row. A gauge the server lacks is NULL; a counter it lacks has not counted yet.
-- params:
-- columns:
--   uptime_seconds          UInt32           s
--   queries                 Nullable(Int64)
--   merges                  Nullable(Int64)
--   mutations               Nullable(Int64)
--   fetches                 Nullable(Int64)
--   http_connections        Nullable(Int64)
--   tcp_connections         Nullable(Int64)
--   memory_bytes            Nullable(Int64)  B
--   delayed_inserts_now     Nullable(Int64)
--   readonly_replicas       Nullable(Int64)
--   keeper_sessions         Nullable(Int64)
--   distributed_files       Nullable(Int64)
--   inserted_rows_total     UInt64
--   inserted_bytes_total    UInt64           B
--   delayed_inserts_total   UInt64
--   rejected_inserts_total  UInt64
--   queries_total           UInt64
--   failed_queries_total    UInt64
--   keeper_exceptions_total  UInt64
--   cpu_microseconds_total  UInt64           us
-- needs: system.metrics system.events
-- cost: cheap, counters in memory
-- engines: 18.16+
SELECT
    toUInt32(uptime()) AS uptime_seconds,
    queries, merges, mutations, fetches, http_connections, tcp_connections, memory_bytes, delayed_inserts_now,
    readonly_replicas, keeper_sessions, distributed_files,
    inserted_rows_total, inserted_bytes_total, delayed_inserts_total, rejected_inserts_total,
    queries_total, failed_queries_total, keeper_exceptions_total, cpu_microseconds_total
FROM
(
    SELECT
        if(countIf(metric = 'Query') = 0, NULL, maxIf(value, metric = 'Query')) AS queries,
        if(countIf(metric = 'Merge') = 0, NULL, maxIf(value, metric = 'Merge')) AS merges,
        if(countIf(metric = 'PartMutation') = 0, NULL, maxIf(value, metric = 'PartMutation')) AS mutations,
        if(countIf(metric = 'ReplicatedFetch') = 0, NULL, maxIf(value, metric = 'ReplicatedFetch')) AS fetches,
        if(countIf(metric = 'HTTPConnection') = 0, NULL, maxIf(value, metric = 'HTTPConnection')) AS http_connections,
        if(countIf(metric = 'TCPConnection') = 0, NULL, maxIf(value, metric = 'TCPConnection')) AS tcp_connections,
        if(countIf(metric = 'MemoryTracking') = 0, NULL, maxIf(value, metric = 'MemoryTracking')) AS memory_bytes,
        if(countIf(metric = 'DelayedInserts') = 0, NULL, maxIf(value, metric = 'DelayedInserts')) AS delayed_inserts_now,
        if(countIf(metric = 'ReadonlyReplica') = 0, NULL, maxIf(value, metric = 'ReadonlyReplica')) AS readonly_replicas,
        if(countIf(metric = 'ZooKeeperSession') = 0, NULL, maxIf(value, metric = 'ZooKeeperSession')) AS keeper_sessions,
        if(countIf(metric = 'DistributedFilesToInsert') = 0, NULL, maxIf(value, metric = 'DistributedFilesToInsert')) AS distributed_files
    FROM system.metrics
) AS gauges
CROSS JOIN
(
    SELECT
        sumIf(value, event = 'InsertedRows') AS inserted_rows_total,
        sumIf(value, event = 'InsertedBytes') AS inserted_bytes_total,
        sumIf(value, event = 'DelayedInserts') AS delayed_inserts_total,
        sumIf(value, event = 'RejectedInserts') AS rejected_inserts_total,
        sumIf(value, event = 'Query') AS queries_total,
        sumIf(value, event = 'FailedQuery') AS failed_queries_total,
        sumIf(value, event = 'ZooKeeperHardwareExceptions') AS keeper_exceptions_total,
        sumIf(value, event = 'OSCPUVirtualTimeMicroseconds') AS cpu_microseconds_total
    FROM system.events
) AS counters
