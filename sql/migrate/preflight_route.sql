-- How many rows a host sees in a table of v1 by the way on which it will copy them.
-- params:
--   from  Sql
-- columns:
--   rows  UInt64
-- cost: cheap, the table's own count of rows; on old servers its smallest column
-- engines: 18.16+
SELECT count() AS rows
FROM {from:Sql}
