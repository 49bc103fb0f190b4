-- Initial queries that ended within the last hour, by minute and kind: how many took how long, in buckets each 5 % wider
-- than the one before. Bucket n holds durations from 1.05^n ms; -1 those under 1 ms. chtui's own queries are left out.
-- Buckets of several hosts add up, percentiles do not.
-- params:
-- columns:
--   minutes_ago    UInt16
--   query_kind     String
--   finished       UInt64
--   failed         UInt64
--   total_seconds  Float64        s
--   max_seconds    Float64        s
--   buckets        Array(Int16)
--   counts         Array(UInt64)
-- needs: system.query_log system.query_log.query_kind
-- cost: moderate, an hour of the log
-- engines: 20.12+
SELECT
    minutes_ago,
    CAST(kind, 'String') AS query_kind,
    toUInt64(sum(bucket_finished)) AS finished,
    toUInt64(sum(bucket_failed)) AS failed,
    sum(bucket_ms) / 1000 AS total_seconds,
    max(bucket_max_ms) / 1000 AS max_seconds,
    groupArrayIf(bucket, bucket_finished > 0) AS buckets,
    groupArrayIf(bucket_finished, bucket_finished > 0) AS counts
FROM
(
    SELECT
        toUInt16(least(59, intDiv(toUInt32(now()) - toUInt32(event_time), 60))) AS minutes_ago,
        log.query_kind AS kind,
        toInt16(if(query_duration_ms = 0, -1, floor(log(query_duration_ms) / log(1.05)))) AS bucket,
        countIf(type = 'QueryFinish') AS bucket_finished,
        countIf(type IN ('ExceptionBeforeStart', 'ExceptionWhileProcessing')) AS bucket_failed,
        sumIf(query_duration_ms, type = 'QueryFinish') AS bucket_ms,
        maxIf(query_duration_ms, type = 'QueryFinish') AS bucket_max_ms
    FROM system.query_log AS log
    WHERE event_date >= toDate(now() - 3600)
        AND event_time > now() - 3600
        AND event_time <= now()
        AND type != 'QueryStart'
        AND is_initial_query
        AND NOT startsWith(query_id, 'chtui-')
    GROUP BY minutes_ago, kind, bucket
)
GROUP BY minutes_ago, kind
ORDER BY minutes_ago, query_kind
