-- One text of every pattern of queries that ended within the last hour, the latest one; its first 500 characters.
-- params:
--   max_rows  UInt64
-- columns:
--   normalized_query_hash  String
--   query                  String
-- needs: system.query_log system.query_log.normalized_query_hash
-- cost: costly, an hour of the log with its texts; asked once
-- engines: 20.12+
SELECT toString(hash) AS normalized_query_hash, text AS query
FROM
(
    SELECT
        log.normalized_query_hash AS hash,
        any(substringUTF8(log.query, 1, 500)) AS text,
        sum(query_duration_ms) AS total_ms
    FROM system.query_log AS log
    WHERE event_date >= toDate(now() - 3600)
        AND event_time > now() - 3600
        AND type != 'QueryStart'
        AND is_initial_query
    GROUP BY hash
)
ORDER BY total_ms DESC, hash
LIMIT {max_rows:UInt64}
