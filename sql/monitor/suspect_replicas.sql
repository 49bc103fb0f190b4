-- Replicated tables that look ill by the columns that cost nothing, worst first. With `every_table` set, all are
-- suspects: a peer is missing, and which tables had a replica there only Keeper tells.
-- params:
--   delay_seconds  UInt64  s
--   queue_entries  UInt64
--   every_table    UInt8
--   max_rows       UInt64
-- columns:
--   database                     String
--   table                        String
--   is_readonly                  UInt8
--   is_session_expired           UInt8
--   absolute_delay_seconds       UInt64            s
--   queue_entries                UInt32
--   parts_to_check               UInt32
--   zookeeper_path               String
--   replica_name                 String
--   last_queue_update_exception  Nullable(String)
--   readonly_seconds             Nullable(Int64)   s
-- needs: system.replicas
-- cost: cheap, in memory; only while a table is suspect
-- engines: 18.16+
SELECT
    database,
    table,
    is_readonly,
    is_session_expired,
    absolute_delay AS absolute_delay_seconds,
    queue_size AS queue_entries,
    parts_to_check,
    zookeeper_path,
    replica_name,
    toNullable(substring(replicas.last_queue_update_exception, 1, 500)) AS last_queue_update_exception, -- optional: system.replicas.last_queue_update_exception
    toInt64(now()) - toInt64(readonly_start_time) AS readonly_seconds -- optional: system.replicas.readonly_start_time
FROM system.replicas AS replicas
WHERE is_readonly OR is_session_expired OR (absolute_delay >= {delay_seconds:UInt64}) OR (queue_size >= {queue_entries:UInt64}) OR {every_table:UInt8}
ORDER BY is_readonly DESC, is_session_expired DESC, absolute_delay DESC, queue_size DESC, database, table
LIMIT {max_rows:UInt64}
