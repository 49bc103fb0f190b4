-- What one Replicated table says of its replica on the host and of its queue. None of the columns that cost Keeper
-- requests is read.
-- params:
--   database  String
--   table     String
-- columns:
--   zookeeper_path               String
--   replica_name                 String
--   is_leader                    UInt8
--   is_readonly                  UInt8
--   is_session_expired           UInt8
--   absolute_delay_seconds       UInt64            s
--   queue_entries                UInt32
--   inserts_in_queue             UInt32
--   merges_in_queue              UInt32
--   mutations_in_queue           UInt32
--   parts_to_check               UInt32
--   future_parts                 UInt32
--   oldest_queue_entry_seconds   Nullable(Int64)   s
--   last_queue_update_seconds    Nullable(Int64)   s
--   readonly_seconds             Nullable(Int64)   s
--   last_queue_update_exception  Nullable(String)
-- needs: system.replicas
-- cost: cheap, one table, in memory
-- engines: 18.16+
SELECT
    zookeeper_path,
    replica_name,
    is_leader,
    is_readonly,
    is_session_expired,
    absolute_delay AS absolute_delay_seconds,
    queue_size AS queue_entries,
    inserts_in_queue,
    merges_in_queue,
    part_mutations_in_queue AS mutations_in_queue,
    parts_to_check,
    future_parts,
    if(queue_size = 0 OR toUInt32(queue_oldest_time) = 0, NULL, toInt64(now()) - toInt64(queue_oldest_time)) AS oldest_queue_entry_seconds,
    if(toUInt32(replicas.last_queue_update) = 0, NULL, toInt64(now()) - toInt64(replicas.last_queue_update)) AS last_queue_update_seconds,
    toInt64(now()) - toInt64(replicas.readonly_start_time) AS readonly_seconds, -- optional: system.replicas.readonly_start_time
    toNullable(substringUTF8(replicas.last_queue_update_exception, 1, 2000)) AS last_queue_update_exception -- optional: system.replicas.last_queue_update_exception
FROM system.replicas AS replicas
WHERE database = {database:String} AND table = {table:String}
