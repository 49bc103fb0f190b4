-- What one Replicated table says of its replica on the host. None of the columns that cost Keeper requests is read.
-- params:
--   database  String
--   table     String
-- columns:
--   zookeeper_path          String
--   replica_name            String
--   is_readonly             UInt8
--   is_session_expired      UInt8
--   absolute_delay_seconds  UInt64  s
--   queue_entries           UInt32
-- needs: system.replicas
-- cost: cheap, one table, in memory
-- engines: 18.16+
SELECT
    zookeeper_path,
    replica_name,
    is_readonly,
    is_session_expired,
    absolute_delay AS absolute_delay_seconds,
    queue_size AS queue_entries
FROM system.replicas
WHERE database = {database:String} AND table = {table:String}
