-- How many rows of a table meet a condition.
-- params:
--   table  Table
--   where  Sql    empty for all
-- columns:
--   chtui_rows  UInt64
-- cost: costly, reads the columns of the condition
-- engines: 18.16+
SELECT count() AS chtui_rows
FROM {table:Table}
WHERE {where:Sql}
