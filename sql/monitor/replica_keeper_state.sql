-- What Keeper knows of a few suspect tables. Every table named costs Keeper requests, so only suspects are named.
-- params:
--   tables  Array(String)  each as length of the database name, `:`, database, `.`, table
-- columns:
--   database             String
--   table                String
--   total_replicas       UInt32
--   active_replicas      UInt32
--   log_lag_entries      Int64
--   lost_part_count      Nullable(UInt64)
--   zookeeper_exception  Nullable(String)
-- needs: system.replicas
-- cost: costly, Keeper requests for each table named; waits for Keeper and max_execution_time does not bound that
-- engines: 18.16+
SELECT
    database,
    table,
    toUInt32(total_replicas) AS total_replicas,
    toUInt32(active_replicas) AS active_replicas,
    if(log_max_index = 0, 0, toInt64(log_max_index) - toInt64(log_pointer) + 1) AS log_lag_entries,
    toNullable(replicas.lost_part_count) AS lost_part_count, -- optional: system.replicas.lost_part_count
    toNullable(substring(replicas.zookeeper_exception, 1, 500)) AS zookeeper_exception -- optional: system.replicas.zookeeper_exception
FROM system.replicas AS replicas
WHERE has({tables:Array(String)}, concat(toString(length(database)), ':', database, '.', table))
ORDER BY database, table
