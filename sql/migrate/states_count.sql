-- How many rows an aggregate's states account for.
-- params:
--   table  Table
--   count  Sql    the merged count state
-- columns:
--   chtui_rows  UInt64
-- cost: moderate, reads one column of states
-- engines: 18.16+
SELECT {count:Sql} AS chtui_rows
FROM {table:Table}
