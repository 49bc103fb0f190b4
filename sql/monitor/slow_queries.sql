-- Initial queries that finished within the last hour, the slowest first; of each text the first 2000 characters. chtui's
-- own queries are left out.
-- params:
--   max_rows  UInt64
-- columns:
--   query_id          String
--   initial_query_id  String
--   user              String
--   age_seconds       Int64    s
--   duration_seconds  Float64  s
--   memory_bytes      UInt64   B
--   read_rows         UInt64
--   result_rows       UInt64
--   client            String
--   exception_code    Int32
--   exception         String
--   query             String
-- needs: system.query_log
-- cost: moderate, an hour of the log; newer servers read texts only of the rows they give
-- engines: 18.16+
SELECT
    query_id,
    initial_query_id,
    toString(if(initial_user = '', log.user, initial_user)) AS user,
    toInt64(toUInt32(now())) - toInt64(toUInt32(event_time)) AS age_seconds,
    query_duration_ms / 1000 AS duration_seconds,
    memory_usage AS memory_bytes,
    read_rows,
    result_rows,
    toString(if(client_name = '', http_user_agent, client_name)) AS client,
    toInt32OrZero(extract(log.exception, '^Code: ([0-9]+)')) AS exception_code,
    substringUTF8(log.exception, 1, 2000) AS exception,
    substringUTF8(log.query, 1, 2000) AS query
FROM system.query_log AS log
WHERE event_date >= toDate(now() - 3600)
    AND event_time > now() - 3600
    AND event_time <= now()
    AND toInt8(type) = 2
    AND is_initial_query
    AND NOT startsWith(log.query_id, 'chtui-')
ORDER BY query_duration_ms DESC
LIMIT {max_rows:UInt64}
