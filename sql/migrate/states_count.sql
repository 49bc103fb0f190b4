-- How many rows an aggregate's states account for.
-- params:
--   table  Table
--   count  Sql    the merged count state
-- columns:
--   rows  UInt64
-- cost: moderate, reads one column of states
-- engines: 18.16+
SELECT {count:Sql} AS rows
FROM {table:Table}
