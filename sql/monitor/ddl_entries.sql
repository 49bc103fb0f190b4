-- The DDL queue by entry: which hosts have run it, run it now or have not begun; unfinished ones first, then the newest.
-- params:
--   max_rows  UInt64
-- columns:
--   entry             String
--   initiator         String
--   query             String
--   age_seconds       Int64          s
--   hosts             Array(String)
--   finished_hosts    Array(String)
--   active_hosts      Array(String)
--   failed_hosts      Array(String)
--   exception_text    String
-- needs: system.distributed_ddl_queue
-- cost: costly, several Keeper requests an entry; only while its part is on screen
-- engines: 21.11+
SELECT
    entry,
    any(concat(ifNull(initiator_host, ''), ':', toString(ifNull(initiator_port, 0)))) AS initiator,
    any(substring(ddl.query, 1, 4000)) AS query,
    toInt64(now()) - toInt64(min(query_create_time)) AS age_seconds,
    groupArray(concat(ifNull(host, ''), ':', toString(ifNull(port, 0)))) AS hosts,
    groupArrayIf(concat(ifNull(host, ''), ':', toString(ifNull(port, 0))), ifNull(toString(status), '') IN ('Finished', 'Removing')) AS finished_hosts,
    groupArrayIf(concat(ifNull(host, ''), ':', toString(ifNull(port, 0))), ifNull(toString(status), '') = 'Active') AS active_hosts,
    groupArrayIf(concat(ifNull(host, ''), ':', toString(ifNull(port, 0))), ifNull(ddl.exception_code, 0) != 0) AS failed_hosts,
    substring(anyIf(ifNull(ddl.exception_text, ''), ifNull(ddl.exception_code, 0) != 0), 1, 4000) AS exception_text
FROM system.distributed_ddl_queue AS ddl
GROUP BY entry
ORDER BY length(finished_hosts) < length(hosts) DESC, entry DESC
LIMIT {max_rows:UInt64}
