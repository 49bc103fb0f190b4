-- The first and last event time of a table, and how many rows are of the future.
-- params:
--   time     Sql
--   seconds  UInt32  s, how far ahead of the server's clock is no future yet
--   table    Table
-- columns:
--   chtui_rows          UInt64
--   chtui_first_second  Int64
--   chtui_last_second   Int64
--   chtui_future_rows   UInt64
-- cost: costly, reads one column of the whole table
-- engines: 18.16+
SELECT
    count() AS chtui_rows,
    toInt64(toUnixTimestamp(min({time:Sql}))) AS chtui_first_second,
    toInt64(toUnixTimestamp(max({time:Sql}))) AS chtui_last_second,
    countIf(toUnixTimestamp({time:Sql}) > toUnixTimestamp(now()) + {seconds:UInt32}) AS chtui_future_rows
FROM {table:Table}
