-- What was written to each disk of the host in the last 24 hours; part_log does not tell from which disk a part is moved or removed.
-- The row without a disk is of events that name none; it counts for how far the log reaches back.
-- params:
-- columns:
--   disk                 String
--   first_event_seconds  Int64    s
--   inserted_bytes       UInt64   B
--   fetched_bytes        UInt64   B
--   moved_bytes          UInt64   B
--   moved_seconds        Float64  s
-- needs: system.part_log, system.disks
-- cost: moderate, reads four columns of a day's part_log
-- engines: 20.12+
SELECT
    disk_name AS disk,
    toInt64(now()) - toInt64(min(event_time)) AS first_event_seconds,
    sumIf(size_in_bytes, event_type = 'NewPart' AND error = 0) AS inserted_bytes,
    sumIf(size_in_bytes, event_type = 'DownloadPart' AND error = 0) AS fetched_bytes,
    sumIf(size_in_bytes, event_type = 'MovePart' AND error = 0) AS moved_bytes,
    sumIf(duration_ms, event_type = 'MovePart' AND error = 0) / 1000 AS moved_seconds
FROM system.part_log
WHERE event_date >= toDate(now() - 86400) AND event_time >= now() - 86400
GROUP BY disk_name
ORDER BY disk_name
