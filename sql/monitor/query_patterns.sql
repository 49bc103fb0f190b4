-- Initial queries that ended within the last hour by their text without its values, those that took most time in all
-- first; durations in the buckets of query_latency. chtui's own queries are left out.
-- params:
--   max_rows  UInt64
-- columns:
--   normalized_query_hash  String
--   query_kind             String
--   finished               UInt64
--   failed                 UInt64
--   total_seconds          Float64        s
--   max_memory_bytes       UInt64         B
--   read_rows              UInt64
--   buckets                Array(Int16)
--   counts                 Array(UInt64)
-- needs: system.query_log system.query_log.normalized_query_hash system.query_log.query_kind
-- cost: moderate, an hour of the log without its texts
-- engines: 20.12+
SELECT
    toString(hash) AS normalized_query_hash,
    toString(any(kind)) AS query_kind,
    toUInt64(sum(bucket_finished)) AS finished,
    toUInt64(sum(bucket_failed)) AS failed,
    sum(bucket_ms) / 1000 AS total_seconds,
    toUInt64(max(bucket_memory_bytes)) AS max_memory_bytes,
    toUInt64(sum(bucket_read_rows)) AS read_rows,
    groupArrayIf(bucket, bucket_finished > 0) AS buckets,
    groupArrayIf(bucket_finished, bucket_finished > 0) AS counts
FROM
(
    SELECT
        log.normalized_query_hash AS hash,
        any(log.query_kind) AS kind,
        toInt16(if(query_duration_ms = 0, -1, floor(log(query_duration_ms) / log(1.05)))) AS bucket,
        countIf(type = 'QueryFinish') AS bucket_finished,
        countIf(type IN ('ExceptionBeforeStart', 'ExceptionWhileProcessing')) AS bucket_failed,
        sumIf(query_duration_ms, type = 'QueryFinish') AS bucket_ms,
        max(memory_usage) AS bucket_memory_bytes,
        sum(log.read_rows) AS bucket_read_rows
    FROM system.query_log AS log
    WHERE event_date >= toDate(now() - 3600)
        AND event_time > now() - 3600
        AND event_time <= now()
        AND type != 'QueryStart'
        AND is_initial_query
        AND NOT startsWith(log.query_id, 'chtui-')
    GROUP BY hash, bucket
)
GROUP BY hash
ORDER BY total_seconds DESC, finished DESC
LIMIT {max_rows:UInt64}
