-- What the log tells of one query within a span of time: its beginning and end, and those of its parts for other hosts.
-- params:
--   query_id  String
--   max_rows  UInt64
--   oldest_seconds  UInt32  s
--   newest_seconds  UInt32  s
-- columns:
--   query_id          String
--   initial_query_id  String
--   is_initial_query  UInt8
--   type              String
--   user              String
--   interface         String
--   client            String
--   client_address    String
--   age_seconds       Int64          s
--   duration_seconds  Float64        s
--   memory_bytes      UInt64         B
--   read_rows         UInt64
--   read_bytes        UInt64         B
--   written_rows      UInt64
--   written_bytes     UInt64         B
--   result_rows       UInt64
--   result_bytes      UInt64         B
--   exception         String
--   query             String
--   setting_names     Array(String)
--   setting_values    Array(String)
--   event_names       Array(String)
--   event_values      Array(UInt64)
-- needs: system.query_log
-- cost: costly, two hours of the log for one query every minute while its detail is open, the day before them once
-- engines: 18.16+
SELECT
    query_id,
    initial_query_id,
    is_initial_query,
    toString(log.type) AS type,
    toString(if(initial_user = '', log.user, initial_user)) AS user,
    toString(log.interface) AS interface,
    toString(if(client_name = '', http_user_agent, client_name)) AS client,
    toString(initial_address) AS client_address,
    toInt64(toUInt32(now())) - toInt64(toUInt32(event_time)) AS age_seconds,
    query_duration_ms / 1000 AS duration_seconds,
    memory_usage AS memory_bytes,
    read_rows,
    read_bytes,
    written_rows,
    written_bytes,
    result_rows,
    result_bytes,
    substringUTF8(log.exception, 1, 20000) AS exception,
    log.query AS query,
    arrayMap(name -> toString(name), Settings.Names) AS setting_names,
    arrayMap(value -> toString(value), Settings.Values) AS setting_values,
    arrayMap(name -> toString(name), ProfileEvents.Names) AS event_names,
    ProfileEvents.Values AS event_values
FROM system.query_log AS log
WHERE event_date >= toDate(now() - {oldest_seconds:UInt32})
    AND event_time > now() - {oldest_seconds:UInt32}
    AND event_time <= now() - {newest_seconds:UInt32}
    AND (log.query_id = {query_id:String} OR log.initial_query_id = {query_id:String})
ORDER BY is_initial_query DESC, event_time DESC, toInt8(log.type) DESC
LIMIT {max_rows:UInt64}
