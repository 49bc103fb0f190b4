-- The whole text of one query, for servers that cannot format it.
-- params:
--   query_id  String
-- columns:
--   query      String
--   formatted  String
-- needs: system.query_log
-- cost: costly, a day of the log for one query; asked once
-- engines: 18.16+
SELECT log.query AS query, '' AS formatted
FROM system.query_log AS log
WHERE event_date >= toDate(now() - 93600)
    AND event_time > now() - 93600
    AND event_time <= now()
    AND log.query_id = {query_id:String}
ORDER BY event_time DESC
LIMIT 1
