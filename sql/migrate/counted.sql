-- How many rows of a table meet a condition.
-- params:
--   table  Table
--   where  Sql    empty for all
-- columns:
--   rows  UInt64
-- cost: costly, reads the columns of the condition
-- engines: 18.16+
SELECT count() AS rows
FROM {table:Table}
WHERE {where:Sql}
