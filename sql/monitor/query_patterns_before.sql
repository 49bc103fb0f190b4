-- Initial queries that finished in the 24 hours before the last one, by their text without its values, the most frequent
-- first; durations in the buckets of query_latency. What the last hour is compared with.
-- params:
--   max_rows  UInt64
-- columns:
--   normalized_query_hash  String
--   finished               UInt64
--   buckets                Array(Int16)
--   counts                 Array(UInt64)
-- needs: system.query_log system.query_log.normalized_query_hash
-- cost: costly, a day of the log without its texts; asked once
-- engines: 20.12+
SELECT
    toString(hash) AS normalized_query_hash,
    toUInt64(sum(bucket_finished)) AS finished,
    groupArray(bucket) AS buckets,
    groupArray(bucket_finished) AS counts
FROM
(
    SELECT
        log.normalized_query_hash AS hash,
        toInt16(if(query_duration_ms = 0, -1, floor(log(query_duration_ms) / log(1.05)))) AS bucket,
        count() AS bucket_finished
    FROM system.query_log AS log
    WHERE event_date >= toDate(now() - 90000)
        AND event_time > now() - 90000
        AND event_time <= now() - 3600
        AND type = 'QueryFinish'
        AND is_initial_query
    GROUP BY hash, bucket
)
GROUP BY hash
ORDER BY finished DESC, hash
LIMIT {max_rows:UInt64}
