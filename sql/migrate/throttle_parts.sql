-- The partition of some tables that has the most active parts.
-- params:
--   database  String
--   tables    Array(String)
-- columns:
--   table         String
--   partition_id  String
--   parts         UInt64
-- needs: system.parts
-- cost: cheap, some tables' parts
-- engines: 18.16+
SELECT table, partition_id, count() AS parts
FROM system.parts AS parts
WHERE active AND database = {database:String} AND has({tables:Array(String)}, table)
GROUP BY table, partition_id
ORDER BY count() DESC, table, partition_id
LIMIT 1
