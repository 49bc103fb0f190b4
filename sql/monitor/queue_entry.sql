-- One entry of a table's replication queue on the host with everything the server tells of it, texts uncut.
-- params:
--   database   String
--   table      String
--   node_name  String
-- columns:
--   type                   String
--   new_part_name          String
--   replica_name           String
--   source_replica         String
--   parts_to_merge         Array(String)
--   required_quorum        UInt32
--   is_detach              UInt8
--   merge_type             Nullable(String)
--   is_executing           UInt8
--   num_tries              UInt32
--   num_postponed          UInt32
--   position               UInt32
--   age_seconds            Int64             s
--   attempt_age_seconds    Int64             s
--   postponed_age_seconds  Int64             s
--   last_exception         String
--   postpone_reason        String
-- needs: system.replication_queue
-- cost: cheap, in memory
-- engines: 18.16+
SELECT
    type,
    new_part_name,
    replica_name,
    source_replica,
    parts_to_merge,
    required_quorum,
    is_detach,
    toNullable(queue.merge_type) AS merge_type, -- optional: system.replication_queue.merge_type
    is_currently_executing AS is_executing,
    num_tries,
    num_postponed,
    position,
    toInt64(now()) - toInt64(create_time) AS age_seconds,
    if(toInt64(last_attempt_time) > 0, toInt64(now()) - toInt64(last_attempt_time), -1) AS attempt_age_seconds,
    if(toInt64(last_postpone_time) > 0, toInt64(now()) - toInt64(last_postpone_time), -1) AS postponed_age_seconds,
    last_exception,
    postpone_reason
FROM system.replication_queue AS queue
WHERE database = {database:String} AND table = {table:String} AND node_name = {node_name:String}
LIMIT 1
