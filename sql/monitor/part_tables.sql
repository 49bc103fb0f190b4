-- The tables that wrote the most parts in the last hour, those where something went wrong first: what inserts, merges,
-- mutations and fetches wrote and how long that took, and the last error.
-- params:
--   max_rows  UInt64
-- columns:
--   database          String
--   table             String
--   new_parts         UInt64
--   new_rows          UInt64
--   new_bytes         UInt64   B
--   merges            UInt64
--   merged_parts      UInt64
--   merged_rows       UInt64
--   merged_bytes      UInt64   B
--   merge_seconds     Float64  s
--   mutated_parts     UInt64
--   mutation_seconds  Float64  s
--   downloaded_parts  UInt64
--   downloaded_bytes  UInt64   B
--   removed_parts     UInt64
--   errors            UInt64
--   last_error_part   String
--   last_error        String
-- needs: system.part_log
-- cost: moderate, reads an hour of part_log; aggregated on the server
-- engines: 18.16+
SELECT
    database,
    table,
    countIf(event = 1 AND error = 0) AS new_parts,
    sumIf(part_rows, event = 1 AND error = 0) AS new_rows,
    sumIf(part_bytes, event = 1 AND error = 0) AS new_bytes,
    countIf(event = 2 AND error = 0) AS merges,
    sumIf(sources, event = 2 AND error = 0) AS merged_parts,
    sumIf(part_rows, event = 2 AND error = 0) AS merged_rows,
    sumIf(part_bytes, event = 2 AND error = 0) AS merged_bytes,
    sumIf(milliseconds, event = 2) / 1000 AS merge_seconds,
    countIf(event = 5 AND error = 0) AS mutated_parts,
    sumIf(milliseconds, event = 5) / 1000 AS mutation_seconds,
    countIf(event = 3 AND error = 0) AS downloaded_parts,
    sumIf(part_bytes, event = 3 AND error = 0) AS downloaded_bytes,
    countIf(event = 4 AND error = 0) AS removed_parts,
    countIf(error != 0) AS errors,
    argMax(part_name, (error != 0, event_time)) AS last_error_part,
    substringUTF8(argMax(exception, (error != 0, event_time)), 1, 2000) AS last_error
FROM
(
    SELECT
        database,
        table,
        part_name,
        event_time,
        error,
        exception,
        toInt8(event_type) AS event,
        log.rows AS part_rows,
        log.size_in_bytes AS part_bytes,
        log.duration_ms AS milliseconds,
        toUInt64(length(log.merged_from)) AS sources
    FROM system.part_log AS log
    WHERE event_date >= toDate(now() - 3600) AND event_time > now() - 3600 AND toInt8(event_type) <= 6
) AS events
GROUP BY database, table
ORDER BY errors > 0 DESC, new_parts DESC, merge_seconds DESC, database, table
LIMIT {max_rows:UInt64}
