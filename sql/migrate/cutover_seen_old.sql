-- As cutover_seen, of servers whose log tells no databases: by patterns a query's text has.
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
-- needs: system.query_log
-- cost: moderate, the log of some minutes with its texts
-- engines: 18.16+
SELECT
    countIf(match(query, {source:String})) AS source_queries,
    toInt64(max(if(match(query, {source:String}), toUnixTimestamp(query_start_time), 0))) AS source_last_seconds,
    arraySlice(arraySort(arrayFilter(name -> name != '', groupUniqArray(if(match(query, {source:String}), initial_user, '')))), 1, 10) AS source_users,
    countIf(match(query, {target:String}) AND is_initial_query AND toUInt8(type) = 2) AS target_queries,
    toInt64(max(if(match(query, {target:String}) AND is_initial_query AND toUInt8(type) = 2, toUnixTimestamp(query_start_time), 0))) AS target_last_seconds,
    countIf(match(query, {target:String}) AND is_initial_query AND toUInt8(type) != 2) AS target_failures
FROM system.query_log
WHERE event_date >= toDate(toDateTime({since_seconds:UInt64}))
    AND event_time >= toDateTime({since_seconds:UInt64})
    AND query_start_time > toDateTime({since_seconds:UInt64})
    AND toUInt8(type) != 1
    AND match(query, '^\\s*(?i)(?:select|with)\\b')
    AND substring(query_id, 1, 6) != 'chtui-'
    AND substring(initial_query_id, 1, 6) != 'chtui-'
