-- Read some rows of v1 as the copy does, in v2's form, and throw them away but for their digest.
-- params:
--   given     Sql     the expression of each column of v2
--   from      Sql
--   max_rows  UInt64
-- columns:
--   chtui_rows    UInt64
--   chtui_digest  UInt64
-- cost: costly, reads every column of so many rows
-- engines: 18.16+
SELECT count() AS chtui_rows, sum(chtui_hash) AS chtui_digest
FROM
(
    SELECT {given:Sql} AS chtui_hash
    FROM {from:Sql}
    LIMIT {max_rows:UInt64}
)
