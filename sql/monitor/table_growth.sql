-- Rows and bytes that inserts wrote to every table of the host within the last hour and the last day, or to one table by its names.
-- Merges and parts fetched from other replicas do not count; a dropped table of the same name does. Names of event types differ between versions, their numbers do not.
-- params:
--   database  String
--   table     String
--   max_rows  UInt64
-- columns:
--   database               String
--   table                  String
--   rows_last_hour         UInt64
--   rows_last_day          UInt64
--   bytes_last_hour        UInt64  B
--   bytes_last_day         UInt64  B
--   oldest_insert_seconds  Int64   s
-- needs: system.part_log
-- cost: moderate, reads a day of the log; 26 ms for 20,000 events
-- engines: 18.16+
SELECT
    database,
    table,
    toUInt64(sumIf(part_log.rows, event_time > now() - 3600)) AS rows_last_hour,
    toUInt64(sum(part_log.rows)) AS rows_last_day,
    toUInt64(sumIf(size_in_bytes, event_time > now() - 3600)) AS bytes_last_hour,
    toUInt64(sum(size_in_bytes)) AS bytes_last_day,
    toInt64(now()) - toInt64(min(event_time)) AS oldest_insert_seconds
FROM system.part_log AS part_log
WHERE event_date >= toDate(now() - 86400) AND event_time > now() - 86400 AND toInt8(event_type) = 1 AND error = 0
    AND (database = {database:String} OR {database:String} = '') AND (table = {table:String} OR {table:String} = '')
GROUP BY database, table
ORDER BY rows_last_day DESC, database, table
LIMIT {max_rows:UInt64}
