-- One pattern of queries over the last 25 hours, in steps of a quarter of an hour; durations in the buckets of
-- query_latency.
-- params:
--   normalized_query_hash  String
-- columns:
--   quarters_ago   UInt16
--   finished       UInt64
--   failed         UInt64
--   total_seconds  Float64        s
--   max_seconds    Float64        s
--   buckets        Array(Int16)
--   counts         Array(UInt64)
-- needs: system.query_log system.query_log.normalized_query_hash
-- cost: costly, a day of the log for one pattern; asked once
-- engines: 20.12+
SELECT
    quarters_ago,
    toUInt64(sum(bucket_finished)) AS finished,
    toUInt64(sum(bucket_failed)) AS failed,
    sum(bucket_ms) / 1000 AS total_seconds,
    max(bucket_max_ms) / 1000 AS max_seconds,
    groupArrayIf(bucket, bucket_finished > 0) AS buckets,
    groupArrayIf(bucket_finished, bucket_finished > 0) AS counts
FROM
(
    SELECT
        toUInt16(least(99, intDiv(toUInt32(now()) - toUInt32(event_time), 900))) AS quarters_ago,
        toInt16(if(query_duration_ms = 0, -1, floor(log(query_duration_ms) / log(1.05)))) AS bucket,
        countIf(type = 'QueryFinish') AS bucket_finished,
        countIf(type != 'QueryFinish') AS bucket_failed,
        sumIf(query_duration_ms, type = 'QueryFinish') AS bucket_ms,
        maxIf(query_duration_ms, type = 'QueryFinish') AS bucket_max_ms
    FROM system.query_log AS log
    WHERE event_date >= toDate(now() - 90000)
        AND event_time > now() - 90000
        AND event_time <= now()
        AND type != 'QueryStart'
        AND is_initial_query
        AND log.normalized_query_hash = toUInt64OrZero({normalized_query_hash:String})
    GROUP BY quarters_ago, bucket
)
GROUP BY quarters_ago
ORDER BY quarters_ago
