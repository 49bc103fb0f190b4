-- One row for each of some hashes: when it is of, in nanoseconds since 1970, and what decides its shard.
-- params:
--   from      Sql            the table
--   where     Sql            which rows
--   row_hash  Sql
--   hashes    Array(String)  as text
--   time_ns   Sql            the event time, in nanoseconds since 1970
--   key       Sql            the columns of the sharding key as text
-- columns:
--   chtui_hash     UInt64
--   chtui_time_ns  Int64   ns
--   chtui_key      String
-- cost: moderate, reads the rows of one minute, and those that share their granules
-- engines: 18.16+
SELECT
    {row_hash:Sql} AS chtui_hash,
    {time_ns:Sql} AS chtui_time_ns,
    {key:Sql} AS chtui_key
FROM {from:Sql}
WHERE {where:Sql}
    AND has({hashes:Array(String)}, toString({row_hash:Sql}))
ORDER BY chtui_hash
LIMIT 1 BY chtui_hash
