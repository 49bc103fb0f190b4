-- Gives v1's clicks as v2 must hold them, one by one.
-- params:
--   table  Table
-- columns:
--   row_seconds  UInt32  s since 1970
--   page         String
--   row_times    Int32
-- cost: cheap, a table of the self test
-- engines: 18.16+
SELECT toUInt32(ts) AS row_seconds, page, toInt32(times) AS row_times
FROM {table:Table}
