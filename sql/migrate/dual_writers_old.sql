-- As dual_writers, from the text of queries: old servers do not log which tables a query is of.
-- params:
--   since_seconds  Int64   s, by the host's clock since 1970
--   pattern        String  what a query that inserts into the table looks like
-- columns:
--   user           String
--   address        String
--   client         String
--   inserts        UInt64
--   chtui_rows     UInt64
-- needs: system.query_log
-- cost: moderate, a few minutes of the query log
-- engines: 18.16+
SELECT
    CAST(initial_user AS String) AS user,
    IPv6NumToString(initial_address) AS address,
    CAST(if(http_user_agent = '', client_name, http_user_agent) AS String) AS client,
    count() AS inserts,
    sum(written_rows) AS chtui_rows
FROM system.query_log
WHERE event_date >= toDate(toDateTime({since_seconds:Int64})) AND event_time >= toDateTime({since_seconds:Int64})
    AND query_start_time >= toDateTime({since_seconds:Int64})
    AND type = 2 AND is_initial_query
    AND match(query, {pattern:String})
    AND substring(query_id, 1, 6) != 'chtui-'
GROUP BY user, address, client
ORDER BY user, address, client
LIMIT 1000
