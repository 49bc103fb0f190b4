-- Statements that failed for want of disk space (Code 243) in the last 24 hours, the latest first: inserts, merges and moves that somebody
-- asked for. Their tables are only in their texts: the log names none for a statement that failed so.
-- params:
--   max_rows  UInt64
-- columns:
--   query_kind     String
--   user           String
--   query          String
--   exception      String
--   attempts       UInt64
--   first_seconds  Int64   s
--   last_seconds   Int64   s
-- needs: system.query_log, system.disks
-- cost: moderate, filters a day's query_log by two small columns
-- engines: 21.3+
SELECT
    CAST(query_log.query_kind, 'String') AS query_kind,
    CAST(query_log.user, 'String') AS user,
    substring(any(query_log.query), 1, 2000) AS query,
    substring(any(query_log.exception), 1, 2000) AS exception,
    count() AS attempts,
    toInt64(now()) - toInt64(min(event_time)) AS first_seconds,
    toInt64(now()) - toInt64(max(event_time)) AS last_seconds
FROM system.query_log AS query_log
WHERE event_date >= toDate(now() - 86400) AND event_time >= now() - 86400 AND exception_code = 243
    AND type IN ('ExceptionBeforeStart', 'ExceptionWhileProcessing')
GROUP BY query_log.query_kind, query_log.user, normalized_query_hash
ORDER BY last_seconds
LIMIT {max_rows:UInt64}
