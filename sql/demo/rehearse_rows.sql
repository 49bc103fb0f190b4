-- Some rows of one partition of v1, the first that are found.
-- params:
--   columns  Sql     the columns that are stored
--   table    Table
--   parts    String  a pattern for the names of the partition's parts
--   rows     UInt64  at most
-- cost: cheap, reads the partition's beginning
-- engines: 18.16+
SELECT {columns:Sql}
FROM {table:Table}
WHERE match(_part, {parts:String})
LIMIT {rows:UInt64}
