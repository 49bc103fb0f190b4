-- What the different rows of a table are, by partition of v2, by hour or minute, and by shard: as `digest`, with equal rows counted
-- once, and how many rows that leaves out. Equal rows have both hashes in common; rows of one hash alone are different ones.
-- params:
--   from         Sql  the table, or the table function that reads it
--   where        Sql  which rows; empty for all
--   partition    Sql  the id of the row's partition of v2, or a constant where they are not told apart
--   bucket       Sql  the hour or the minute of the event time, in seconds since 1970
--   slot         Sql  the sharding key modulo the total weight
--   row_hash     Sql
--   second_hash  Sql  the row by another function
--   time_ns      Sql  the event time, in nanoseconds since 1970
-- columns:
--   chtui_partition_id    String
--   chtui_bucket_seconds  Int64   s
--   chtui_slot            Int64
--   chtui_rows            UInt64
--   chtui_digest          UInt64
--   chtui_first_ns        Int64   ns
--   chtui_last_ns         Int64   ns
--   chtui_collapsed       UInt64
-- cost: costly, reads every row and holds two hashes of each, in memory or on disk
-- engines: 18.16+
SELECT
    chtui_partition_id,
    chtui_bucket_seconds,
    chtui_slot,
    count() AS chtui_rows,
    sum(chtui_hash) AS chtui_digest,
    min(chtui_at) AS chtui_first_ns,
    max(chtui_at) AS chtui_last_ns,
    toUInt64(sum(chtui_copies) - count()) AS chtui_collapsed
FROM
(
    SELECT
        {partition:Sql} AS chtui_partition_id,
        {bucket:Sql} AS chtui_bucket_seconds,
        toInt64({slot:Sql}) AS chtui_slot,
        {row_hash:Sql} AS chtui_hash,
        {second_hash:Sql} AS chtui_second_hash,
        any({time_ns:Sql}) AS chtui_at,
        count() AS chtui_copies
    FROM {from:Sql}
    WHERE {where:Sql}
    GROUP BY chtui_partition_id, chtui_bucket_seconds, chtui_slot, chtui_hash, chtui_second_hash
)
GROUP BY chtui_partition_id, chtui_bucket_seconds, chtui_slot
ORDER BY chtui_partition_id, chtui_bucket_seconds, chtui_slot
