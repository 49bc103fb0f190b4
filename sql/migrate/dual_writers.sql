-- Who inserted into a table since some time, by the host's query log: user, address, and what the client calls itself.
-- params:
--   database       String
--   table          String
--   since_seconds  Int64   s, by the host's clock since 1970
-- columns:
--   user           String
--   address        String
--   client         String
--   inserts        UInt64
--   chtui_rows     UInt64
-- needs: system.query_log
-- cost: moderate, a few minutes of the query log
-- engines: 22.3+
SELECT
    CAST(initial_user AS String) AS user,
    toString(initial_address) AS address,
    CAST(if(http_user_agent = '', client_name, http_user_agent) AS String) AS client,
    count() AS inserts,
    sum(written_rows) AS chtui_rows
FROM system.query_log
WHERE event_date >= toDate(toDateTime({since_seconds:Int64})) AND event_time >= toDateTime({since_seconds:Int64})
    AND query_start_time >= toDateTime({since_seconds:Int64})
    AND type = 'QueryFinish' AND query_kind IN ('Insert', 'AsyncInsertFlush') AND is_initial_query
    AND has(tables, concat({database:String}, '.', {table:String}))
    AND NOT startsWith(query_id, 'chtui-')
GROUP BY user, address, client
ORDER BY user, address, client
LIMIT 1000
