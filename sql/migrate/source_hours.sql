-- How many rows a table of v1 has by v2's partition, by hour of event time and by its own partition. Reads the time column of every row.
-- params:
--   table      Table
--   partition  Sql    v2's partition key over v1's columns
--   hour       Sql    the hour of the event time, in seconds since 1970
-- columns:
--   chtui_source_partition_id  String
--   chtui_partition_key        String
--   chtui_hour_seconds         Int64   s
--   chtui_rows                 UInt64
-- cost: costly, reads one column of the whole table
-- engines: 18.16+
SELECT
    splitByChar('_', _part)[1] AS chtui_source_partition_id,
    toString({partition:Sql}) AS chtui_partition_key,
    {hour:Sql} AS chtui_hour_seconds,
    count() AS chtui_rows
FROM {table:Table}
GROUP BY chtui_source_partition_id, chtui_partition_key, chtui_hour_seconds
ORDER BY chtui_partition_key, chtui_hour_seconds, chtui_source_partition_id
