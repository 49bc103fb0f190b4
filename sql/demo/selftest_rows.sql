-- Counts a table's rows.
-- params:
--   table  Table
-- columns:
--   rows  UInt64
-- cost: cheap, a table of the self test
-- engines: 18.16+
SELECT count() AS rows
FROM {table:Table}
