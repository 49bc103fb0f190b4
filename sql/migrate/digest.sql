-- What the rows of a table are, by hour and shard: how many, their order-independent digest, the first and the last,
-- in nanoseconds since 1970. NULLs count; a pair of equal rows does not cancel.
-- params:
--   from      Sql  the table, or the table function that reads it
--   where     Sql  which rows; empty for all
--   hour      Sql  the hour of the event time, in seconds since 1970
--   slot      Sql  the sharding key modulo the total weight
--   row_hash  Sql
--   time_ns   Sql  the event time, in nanoseconds since 1970
-- columns:
--   hour_seconds  Int64   s
--   slot          Int64
--   rows          UInt64
--   digest        UInt64
--   first_ns      Int64   ns
--   last_ns       Int64   ns
-- cost: costly, reads every row
-- engines: 18.16+
SELECT
    {hour:Sql} AS hour_seconds,
    toInt64({slot:Sql}) AS slot,
    count() AS rows,
    sum({row_hash:Sql}) AS digest,
    min({time_ns:Sql}) AS first_ns,
    max({time_ns:Sql}) AS last_ns
FROM {from:Sql}
WHERE {where:Sql}
GROUP BY hour_seconds, slot
ORDER BY hour_seconds, slot
