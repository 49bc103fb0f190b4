-- What the rows of a table are, by hour and shard: how many, their order-independent digest, the first and the last,
-- in nanoseconds since 1970. NULLs count; a pair of equal rows does not cancel. An alias that is also a
-- column of the table would be hashed in its place.
-- params:
--   from      Sql  the table, or the table function that reads it
--   where     Sql  which rows; empty for all
--   hour      Sql  the hour of the event time, in seconds since 1970
--   slot      Sql  the sharding key modulo the total weight
--   row_hash  Sql
--   time_ns   Sql  the event time, in nanoseconds since 1970
-- columns:
--   chtui_hour_seconds  Int64   s
--   chtui_slot          Int64
--   chtui_rows          UInt64
--   chtui_digest        UInt64
--   chtui_first_ns      Int64   ns
--   chtui_last_ns       Int64   ns
-- cost: costly, reads every row
-- engines: 18.16+
SELECT
    {hour:Sql} AS chtui_hour_seconds,
    toInt64({slot:Sql}) AS chtui_slot,
    count() AS chtui_rows,
    sum({row_hash:Sql}) AS chtui_digest,
    min({time_ns:Sql}) AS chtui_first_ns,
    max({time_ns:Sql}) AS chtui_last_ns
FROM {from:Sql}
WHERE {where:Sql}
GROUP BY chtui_hour_seconds, chtui_slot
ORDER BY chtui_hour_seconds, chtui_slot
