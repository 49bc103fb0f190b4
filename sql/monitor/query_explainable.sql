-- The text of one finished SELECT as the server itself formats it, and the database it was sent in. No row for anything but a single
-- SELECT: the server formats nothing else here, and what it cannot parse as one statement it does not format at all.
-- params:
--   query_id  String
-- columns:
--   statement  String
--   database   String
-- needs: system.query_log system.query_log.hostname system.query_log.query_kind
-- cost: costly, a day of the log for one query; on a key press only
-- engines: 23.11+
SELECT
    assumeNotNull(formatQuerySingleLineOrNull(log.query)) AS statement,
    CAST(log.current_database, 'String') AS database
FROM system.query_log AS log
WHERE event_date >= toDate(now() - 93600)
    AND event_time > now() - 93600
    AND event_time <= now()
    AND log.query_id = {query_id:String}
    AND log.query_kind = 'Select'
    AND log.type > 1
    AND isNotNull(formatQuerySingleLineOrNull(log.query))
ORDER BY event_time DESC
LIMIT 1
