-- What each host has made of one entry of the DDL queue.
-- params:
--   entry     String
--   max_rows  UInt64
-- columns:
--   host              String
--   status            String
--   exception_code    Int32
--   exception_text    String
--   duration_seconds  Float64  s
--   age_seconds       Int64    s
--   initiator         String
--   query             String
-- needs: system.distributed_ddl_queue
-- cost: costly, several Keeper requests an entry; only while the entry is on screen
-- engines: 21.11+
SELECT
    concat(ifNull(ddl.host, ''), ':', toString(ifNull(ddl.port, 0))) AS host,
    ifNull(toString(ddl.status), '') AS status,
    toInt32(ifNull(ddl.exception_code, 0)) AS exception_code,
    ifNull(ddl.exception_text, '') AS exception_text,
    ifNull(query_duration_ms, 0) / 1000 AS duration_seconds,
    toInt64(now()) - toInt64(query_create_time) AS age_seconds,
    concat(ifNull(initiator_host, ''), ':', toString(ifNull(initiator_port, 0))) AS initiator,
    ddl.query AS query
FROM system.distributed_ddl_queue AS ddl
WHERE entry = {entry:String}
ORDER BY host
LIMIT {max_rows:UInt64}
