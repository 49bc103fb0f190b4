-- What the replicas of a database's tables on this host still have to do.
-- params:
--   database  String
-- columns:
--   table           String
--   entries         UInt64
--   failing         UInt64
--   oldest_seconds  Int64   s
--   exception       String
-- needs: system.replication_queue
-- cost: cheap, in memory
-- engines: 18.16+
SELECT
    table,
    count() AS entries,
    countIf(last_exception != '') AS failing,
    toInt64(max(toUnixTimestamp(now()) - toUnixTimestamp(create_time))) AS oldest_seconds,
    max(substring(last_exception, 1, 300)) AS exception
FROM system.replication_queue
WHERE database = {database:String}
GROUP BY table
