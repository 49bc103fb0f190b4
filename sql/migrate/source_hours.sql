-- How many rows a table of v1 has by v2's partition, by hour of event time and by its own partition. Reads the time column of every row.
-- params:
--   table      Table
--   partition  Sql    v2's partition key over v1's columns
--   hour       Sql    the hour of the event time, in seconds since 1970
-- columns:
--   source_partition_id  String
--   partition_key        String
--   hour_seconds         Int64   s
--   rows                 UInt64
-- cost: costly, reads one column of the whole table
-- engines: 18.16+
SELECT
    splitByChar('_', _part)[1] AS source_partition_id,
    toString({partition:Sql}) AS partition_key,
    {hour:Sql} AS hour_seconds,
    count() AS rows
FROM {table:Table}
GROUP BY source_partition_id, partition_key, hour_seconds
ORDER BY partition_key, hour_seconds, source_partition_id
