-- How many active parts every partition of a table has, and how many of them know no time at which their rows expire.
-- params:
--   database  String
--   table     String
-- columns:
--   partition_id  String
--   parts         UInt64
--   unknown       UInt64
--   mutations     UInt64
--   failure       String
-- needs: system.parts system.parts.delete_ttl_info_max system.mutations
-- cost: cheap, the parts of one table
-- engines: 20.5+
SELECT
    partition_id,
    count() AS parts,
    countIf(toUnixTimestamp(delete_ttl_info_max) = 0) AS unknown,
    ifNull(any((SELECT count() FROM system.mutations WHERE database = {database:String} AND table = {table:String} AND NOT is_done)), 0) AS mutations,
    ifNull(any((SELECT max(substring(latest_fail_reason, 1, 300)) FROM system.mutations WHERE database = {database:String} AND table = {table:String} AND NOT is_done)), '') AS failure
FROM system.parts
WHERE active AND rows > 0 AND database = {database:String} AND table = {table:String}
GROUP BY partition_id
ORDER BY partition_id
