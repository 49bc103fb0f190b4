-- The rows of one partition's active parts.
-- params:
--   database      String
--   table         String
--   partition_id  String
-- columns:
--   parts  UInt64
--   rows   UInt64
-- needs: system.parts
-- cost: cheap, one table's parts
-- engines: 18.16+
SELECT count() AS parts, sum(parts.rows) AS rows
FROM system.parts AS parts
WHERE active AND database = {database:String} AND table = {table:String} AND partition_id = {partition_id:String}
