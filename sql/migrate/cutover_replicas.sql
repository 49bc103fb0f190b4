-- How the replicas of a database's tables on this host stand; asks Keeper nothing.
-- params:
--   database  String
-- columns:
--   table               String
--   is_readonly         UInt8
--   is_session_expired  UInt8
--   queue_entries       UInt64
--   delay_seconds       UInt64  s
-- needs: system.replicas
-- cost: cheap, in memory
-- engines: 18.16+
SELECT
    table,
    is_readonly,
    is_session_expired,
    toUInt64(queue_size) AS queue_entries,
    toUInt64(absolute_delay) AS delay_seconds
FROM system.replicas
WHERE database = {database:String}
