-- SELECTs that ended well and read tables of a database, by their text without its values, the most frequent first; those other
-- hosts sent here are among them. chtui's own are left out.
-- params:
--   database        String
--   window_seconds  UInt64  s, back from now
--   max_rows        UInt64
-- columns:
--   normalized_query_hash  String
--   is_initial             UInt8
--   run_in                 String
--   tables                 Array(String)
--   users                  Array(String)
--   queries                UInt64
--   last_seconds           Int64          s
--   example                String
--   texts                  Array(String)
-- needs: system.query_log system.query_log.normalized_query_hash system.query_log.query_kind
-- cost: costly, days of the log, the texts of what reads the database
-- engines: 20.12+
SELECT
    toString(log.normalized_query_hash) AS normalized_query_hash,
    toUInt8(is_initial_query) AS is_initial,
    CAST(current_database, 'String') AS run_in,
    CAST(arraySort(groupUniqArrayArray(log.tables)), 'Array(String)') AS tables,
    CAST(arraySort(groupUniqArray(20)(initial_user)), 'Array(String)') AS users,
    count() AS queries,
    toInt64(toUnixTimestamp(max(event_time))) AS last_seconds,
    argMax(query, event_time) AS example,
    groupUniqArray(5)(query) AS texts
FROM system.query_log AS log
WHERE event_date >= toDate(now() - {window_seconds:UInt64})
    AND event_time >= now() - {window_seconds:UInt64}
    AND type = 'QueryFinish'
    AND query_kind = 'Select'
    AND (has(databases, {database:String}) OR (has(databases, '_table_function') AND position(query, {database:String}) > 0))
    AND NOT startsWith(query_id, 'chtui-')
    AND NOT startsWith(initial_query_id, 'chtui-')
GROUP BY log.normalized_query_hash, is_initial, run_in
ORDER BY queries DESC, normalized_query_hash, run_in
LIMIT {max_rows:UInt64}
