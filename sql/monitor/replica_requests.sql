-- What Keeper knows of one table's replica on the host: its log, how many replicas there are and how many are active.
-- params:
--   database  String
--   table     String
-- columns:
--   replica_name         String
--   log_max_index        UInt64
--   log_pointer          UInt64
--   log_lag_entries      Int64
--   total_replicas       UInt32
--   active_replicas      UInt32
--   lost_part_count      Nullable(UInt64)
--   zookeeper_exception  Nullable(String)
-- needs: system.replicas
-- cost: costly, several Keeper requests; waits for Keeper and max_execution_time does not bound that
-- engines: 18.16+
SELECT
    replica_name,
    log_max_index,
    log_pointer,
    if(log_max_index = 0, 0, toInt64(log_max_index) - toInt64(log_pointer) + 1) AS log_lag_entries,
    toUInt32(total_replicas) AS total_replicas,
    toUInt32(active_replicas) AS active_replicas,
    toNullable(replicas.lost_part_count) AS lost_part_count, -- optional: system.replicas.lost_part_count
    toNullable(substringUTF8(replicas.zookeeper_exception, 1, 2000)) AS zookeeper_exception -- optional: system.replicas.zookeeper_exception
FROM system.replicas AS replicas
WHERE database = {database:String} AND table = {table:String}
