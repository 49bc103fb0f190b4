-- Moves of parts in the last 24 hours, those that failed first, then the latest; a failing move is tried several times a second, so its attempts are one row.
-- params:
--   max_rows  UInt64
-- columns:
--   database          String
--   table             String
--   part_name         String
--   target_disk       String
--   error_code        UInt16
--   attempts          UInt64
--   first_seconds     Int64    s
--   last_seconds      Int64    s
--   rows              UInt64
--   size_bytes        UInt64   B
--   duration_seconds  Float64  s
--   exception         String
-- needs: system.part_log, system.disks
-- cost: moderate, filters a day's part_log by one small column
-- engines: 20.12+
SELECT
    database,
    table,
    part_name,
    disk_name AS target_disk,
    error AS error_code,
    count() AS attempts,
    toInt64(now()) - toInt64(min(event_time)) AS first_seconds,
    toInt64(now()) - toInt64(max(event_time)) AS last_seconds,
    max(part_log.rows) AS rows,
    max(size_in_bytes) AS size_bytes,
    max(duration_ms) / 1000 AS duration_seconds,
    substring(any(part_log.exception), 1, 2000) AS exception
FROM system.part_log AS part_log
WHERE event_date >= toDate(now() - 86400) AND event_time >= now() - 86400 AND event_type = 'MovePart'
GROUP BY database, table, part_name, disk_name, error
ORDER BY error = 0, last_seconds
LIMIT {max_rows:UInt64}
