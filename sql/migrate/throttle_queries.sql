-- How long initial SELECTs took that ended well within the last minute. chtui's own are left out.
-- params:
-- columns:
--   queries      UInt64
--   p95_seconds  Float64  s
-- needs: system.query_log
-- cost: cheap, a minute of the log with its texts
-- engines: 18.16+
SELECT count() AS queries, quantileExact(0.95)(query_duration_ms) / 1000 AS p95_seconds
FROM system.query_log AS log
WHERE event_date >= toDate(now() - 60)
    AND event_time > now() - 60
    AND event_time <= now()
    AND toInt8(type) = 2
    AND is_initial_query
    AND NOT startsWith(query_id, 'chtui-')
    AND match(substring(log.query, 1, 1000), '^(?:\\s|\\x28|-[-][^\\n]*\\n|/[*](?s:.*?)[*]/)*(?i:SELECT|WITH)')
