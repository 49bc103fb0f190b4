-- The whole text of one query, as it was sent and as the server formats it. The function for that came with 23.10; the
-- column hostname, which came just after it, tells whether it is there.
-- params:
--   query_id  String
-- columns:
--   query      String
--   formatted  String
-- needs: system.query_log system.query_log.hostname
-- cost: costly, a day of the log for one query; asked once
-- engines: 23.11+
SELECT log.query AS query, ifNull(formatQueryOrNull(log.query), '') AS formatted
FROM system.query_log AS log
WHERE event_date >= toDate(now() - 93600)
    AND event_time > now() - 93600
    AND event_time <= now()
    AND log.query_id = {query_id:String}
ORDER BY event_time DESC
LIMIT 1
