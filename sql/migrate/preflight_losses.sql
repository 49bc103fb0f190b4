-- How many rows of a table fulfil each of some conditions.
-- params:
--   conditions  Sql    countIf(...) for each, separated by commas
--   table       Table
-- columns:
--   chtui_rows    UInt64
--   chtui_counts  Array(UInt64)
-- cost: costly, reads the columns named of the whole table
-- engines: 18.16+
SELECT
    count() AS chtui_rows,
    [
{conditions:Sql}
    ] AS chtui_counts
FROM {table:Table}
