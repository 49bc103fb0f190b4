-- Initial queries that ended within the last hour, by minute and kind: how many took how long, in buckets each 5 % wider
-- than the one before. Bucket n holds durations from 1.05^n ms; -1 those under 1 ms. chtui's own queries are left out.
-- For servers that tell no kind: it is the first word of the text.
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
-- needs: system.query_log
-- cost: moderate, an hour of the log with its texts
-- engines: 18.16+
SELECT
    minutes_ago,
    kind AS query_kind,
    toUInt64(sum(bucket_finished)) AS finished,
    toUInt64(sum(bucket_failed)) AS failed,
    sum(bucket_ms) / 1000 AS total_seconds,
    max(bucket_max_ms) / 1000 AS max_seconds,
    groupArrayIf(bucket, bucket_finished > 0) AS buckets,
    groupArrayIf(bucket_finished, bucket_finished > 0) AS counts
FROM
(
    WITH lower(extract(substring(log.query, 1, 1000), '^(?:\\s|\\x28|-[-][^\\n]*\\n|/[*](?s:.*?)[*]/)*([A-Za-z]+)')) AS word
    SELECT
        toUInt16(least(59, intDiv(toUInt32(now()) - toUInt32(event_time), 60))) AS minutes_ago,
        multiIf(word IN ('select', 'with'), 'Select', word = 'desc', 'Describe', concat(upper(substring(word, 1, 1)), substring(word, 2))) AS kind,
        toInt16(if(query_duration_ms = 0, -1, floor(log(query_duration_ms) / log(1.05)))) AS bucket,
        countIf(toInt8(type) = 2) AS bucket_finished,
        countIf(toInt8(type) > 2) AS bucket_failed,
        sumIf(query_duration_ms, toInt8(type) = 2) AS bucket_ms,
        maxIf(query_duration_ms, toInt8(type) = 2) AS bucket_max_ms
    FROM system.query_log AS log
    WHERE event_date >= toDate(now() - 3600)
        AND event_time > now() - 3600
        AND event_time <= now()
        AND toInt8(type) > 1
        AND is_initial_query
        AND NOT startsWith(query_id, 'chtui-')
    GROUP BY minutes_ago, kind, bucket
)
GROUP BY minutes_ago, kind
ORDER BY minutes_ago, query_kind
