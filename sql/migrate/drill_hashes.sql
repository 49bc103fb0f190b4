-- How often each row of a table is there, by its hash, the smallest hashes first.
-- params:
--   from      Sql     the table
--   where     Sql     which rows
--   row_hash  Sql
--   slot      Sql     the sharding key modulo the total weight
--   copies    Sql     what counts rows of one hash
--   limit     UInt64
-- columns:
--   chtui_hash  UInt64
--   chtui_slot  Int64
--   chtui_rows  UInt64
-- cost: moderate, reads the rows of one minute, and those that share their granules
-- engines: 18.16+
SELECT
    {row_hash:Sql} AS chtui_hash,
    toInt64({slot:Sql}) AS chtui_slot,
    {copies:Sql} AS chtui_rows
FROM {from:Sql}
WHERE {where:Sql}
GROUP BY chtui_hash, chtui_slot
ORDER BY chtui_hash, chtui_slot
LIMIT {limit:UInt64}
