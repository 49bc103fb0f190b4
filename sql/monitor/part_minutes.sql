-- What became of parts in the last hour, by minutes before now: parts, rows and bytes that were written, parts that merges
-- took in, and what went wrong.
-- params:
-- columns:
--   minutes_ago       UInt16
--   event             String
--   parts             UInt64
--   source_parts      UInt64
--   rows              UInt64
--   bytes             UInt64   B
--   duration_seconds  Float64  s
--   errors            UInt64
-- needs: system.part_log
-- cost: moderate, reads an hour of part_log; aggregated on the server
-- engines: 18.16+
SELECT
    toUInt16(intDiv(toUInt32(now()) - toUInt32(event_time), 60)) AS minutes_ago,
    arrayElement(['new', 'merge', 'download', 'remove', 'mutate', 'move'], toInt8(event_type)) AS event,
    toUInt64(countIf(error = 0)) AS parts,
    toUInt64(sumIf(length(merged_from), error = 0)) AS source_parts,
    toUInt64(sumIf(log.rows, error = 0)) AS rows,
    toUInt64(sumIf(size_in_bytes, error = 0)) AS bytes,
    sum(duration_ms) / 1000 AS duration_seconds,
    toUInt64(countIf(error != 0)) AS errors
FROM system.part_log AS log
WHERE event_date >= toDate(now() - 3600) AND event_time > now() - 3600 AND event_time <= now() AND toInt8(event_type) <= 6
GROUP BY minutes_ago, event
ORDER BY minutes_ago, event
