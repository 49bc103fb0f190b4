-- The rows, by their hash, which a table has another number of times than a staging table; those it lacks altogether are left out.
-- params:
--   from      Table   the staging table that has all rows
--   row_hash  Sql
--   table     Table   the table that is compared with it
--   where     Sql     which of its rows are looked at
--   limit     UInt64
-- columns:
--   chtui_hash    UInt64
--   chtui_wanted  UInt64
--   chtui_found   UInt64
-- cost: costly, reads the rows of some hours twice
-- engines: 18.16+
SELECT
    chtui_hash,
    sum(chtui_here) AS chtui_wanted,
    sum(chtui_there) AS chtui_found
FROM
(
    SELECT {row_hash:Sql} AS chtui_hash, toUInt64(1) AS chtui_here, toUInt64(0) AS chtui_there FROM {from:Table}
    UNION ALL
    SELECT {row_hash:Sql} AS chtui_hash, toUInt64(0) AS chtui_here, toUInt64(1) AS chtui_there FROM {table:Table} WHERE {where:Sql}
)
GROUP BY chtui_hash
HAVING chtui_found > 0 AND chtui_wanted != chtui_found
ORDER BY chtui_hash
LIMIT {limit:UInt64}
