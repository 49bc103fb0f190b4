-- How often a server was asked for rows of two databases since an instant; chtui's own queries are left out. Those of the first
-- count wherever they came from, those of the second where they came first.
-- params:
--   source         String
--   target         String
--   since_seconds  UInt64  s, since 1970
-- columns:
--   source_queries       UInt64
--   source_last_seconds  Int64          s
--   source_users         Array(String)
--   target_queries       UInt64
--   target_last_seconds  Int64          s
--   target_failures      UInt64
-- needs: system.query_log system.query_log.query_kind
-- cost: moderate, the log of some minutes
-- engines: 20.12+
SELECT
    countIf(has(databases, {source:String})) AS source_queries,
    toInt64(maxIf(toUnixTimestamp(query_start_time), has(databases, {source:String}))) AS source_last_seconds,
    CAST(arraySort(groupUniqArrayIf(10)(initial_user, has(databases, {source:String}))), 'Array(String)') AS source_users,
    countIf(has(databases, {target:String}) AND is_initial_query AND type = 'QueryFinish') AS target_queries,
    toInt64(maxIf(toUnixTimestamp(query_start_time), has(databases, {target:String}) AND is_initial_query AND type = 'QueryFinish')) AS target_last_seconds,
    countIf(has(databases, {target:String}) AND is_initial_query AND type != 'QueryFinish') AS target_failures
FROM system.query_log
WHERE event_date >= toDate(toDateTime({since_seconds:UInt64}))
    AND event_time >= toDateTime({since_seconds:UInt64})
    AND query_start_time > toDateTime({since_seconds:UInt64})
    AND type != 'QueryStart'
    AND query_kind = 'Select'
    AND NOT startsWith(query_id, 'chtui-')
    AND NOT startsWith(initial_query_id, 'chtui-')
