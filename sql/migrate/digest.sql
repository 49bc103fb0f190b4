-- What the rows of a table are, by partition of v2, by hour or minute, and by shard: how many, their order-independent digest, the
-- first and the last, in nanoseconds since 1970. NULLs count; a pair of equal rows does not cancel.
-- params:
--   from       Sql  the table, or the table function that reads it
--   where      Sql  which rows; empty for all
--   partition  Sql  the id of the row's partition of v2, or a constant where they are not told apart
--   bucket     Sql  the hour or the minute of the event time, in seconds since 1970
--   slot       Sql  the sharding key modulo the total weight
--   row_hash   Sql
--   time_ns    Sql  the event time, in nanoseconds since 1970
-- columns:
--   chtui_partition_id    String
--   chtui_bucket_seconds  Int64   s
--   chtui_slot            Int64
--   chtui_rows            UInt64
--   chtui_digest          UInt64
--   chtui_first_ns        Int64   ns
--   chtui_last_ns         Int64   ns
-- cost: costly, reads every row
-- engines: 18.16+
SELECT
    {partition:Sql} AS chtui_partition_id,
    {bucket:Sql} AS chtui_bucket_seconds,
    toInt64({slot:Sql}) AS chtui_slot,
    count() AS chtui_rows,
    sum({row_hash:Sql}) AS chtui_digest,
    min({time_ns:Sql}) AS chtui_first_ns,
    max({time_ns:Sql}) AS chtui_last_ns
FROM {from:Sql}
WHERE {where:Sql}
GROUP BY chtui_partition_id, chtui_bucket_seconds, chtui_slot
ORDER BY chtui_partition_id, chtui_bucket_seconds, chtui_slot
