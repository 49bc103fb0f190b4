-- How many rows of a table fulfil each of some conditions.
-- params:
--   conditions  Sql    countIf(...) for each, separated by commas
--   table       Table
-- columns:
--   rows    UInt64
--   counts  Array(UInt64)
-- cost: costly, reads the columns named of the whole table
-- engines: 18.16+
SELECT
    count() AS rows,
    [
{conditions:Sql}
    ] AS counts
FROM {table:Table}
