-- As cutover_readers, of servers whose log tells neither tables nor patterns: SELECTs whose text names one of some tables, by their
-- text without numbers and strings.
-- params:
--   names           Array(String)  of tables
--   window_seconds  UInt64         s, back from now
--   max_rows        UInt64
-- columns:
--   text_hash     String
--   is_initial    UInt8
--   users         Array(String)
--   queries       UInt64
--   last_seconds  Int64          s
--   example       String
--   texts         Array(String)
-- needs: system.query_log
-- cost: costly, days of the log with its texts
-- engines: 18.16+
SELECT
    toString(cityHash64(replaceRegexpAll(replaceRegexpAll(query, '\'(?:\\\\.|[^\'\\\\])*\'', '?'), '\\b[0-9.]+\\b', '?'))) AS text_hash,
    toUInt8(is_initial_query) AS is_initial,
    arraySlice(arraySort(groupUniqArray(initial_user)), 1, 20) AS users,
    count() AS queries,
    toInt64(toUnixTimestamp(max(event_time))) AS last_seconds,
    argMax(query, event_time) AS example,
    arraySlice(groupUniqArray(query), 1, 5) AS texts
FROM system.query_log
WHERE event_date >= toDate(now() - {window_seconds:UInt64})
    AND event_time >= now() - {window_seconds:UInt64}
    AND toUInt8(type) = 2
    AND match(query, '^\\s*(?i)(?:select|with)\\b')
    AND arrayExists(name -> position(query, name) > 0, {names:Array(String)})
    AND substring(query_id, 1, 6) != 'chtui-'
    AND substring(initial_query_id, 1, 6) != 'chtui-'
GROUP BY text_hash, is_initial
ORDER BY queries DESC, text_hash
LIMIT {max_rows:UInt64}
