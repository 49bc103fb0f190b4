-- The gauges and counters of one host that the console shows, one row each; `uptime` comes along as a gauge, so that a
-- restart between two samples is seen. A gauge that is absent does not exist there; an absent counter has not counted yet.
-- Rows, not columns: planning a wide SELECT costs the server five times what reading its counters does.
-- params:
-- columns:
--   kind   String
--   name   String
--   value  Int64
-- needs: system.metrics system.events
-- cost: cheap, counters in memory
-- engines: 18.16+
SELECT 'gauge' AS kind, metric AS name, toInt64(value) AS value
FROM system.metrics
WHERE metric IN ('Query', 'Merge', 'PartMutation', 'ReplicatedFetch', 'HTTPConnection', 'TCPConnection', 'MemoryTracking', 'DelayedInserts', 'ReadonlyReplica', 'ZooKeeperSession', 'DistributedFilesToInsert')
UNION ALL
SELECT 'counter' AS kind, event AS name, toInt64(value) AS value
FROM system.events
WHERE event IN ('InsertedRows', 'InsertedBytes', 'DelayedInserts', 'RejectedInserts', 'Query', 'FailedQuery', 'ZooKeeperHardwareExceptions', 'OSCPUVirtualTimeMicroseconds')
UNION ALL
SELECT 'gauge' AS kind, 'uptime' AS name, toInt64(uptime()) AS value
