-- Gives the clicks of one host of v2, one by one.
-- params:
--   table  Table
-- columns:
--   row_seconds  UInt32  s since 1970
--   page         String
--   times        Int32
-- cost: cheap, a table of the self test
-- engines: 18.16+
SELECT toUInt32(ts) AS row_seconds, page, times
FROM {table:Table}
