-- The partitions of a table that have rows, each with a number that is another one as soon as its active parts are others.
-- Parts never change, and a name is not given twice within a second.
-- params:
--   database  String
--   table     String
-- columns:
--   partition_id  String
--   mark          UInt64
-- needs: system.parts
-- cost: cheap, one table's parts
-- engines: 18.16+
SELECT
    partition_id,
    sum(cityHash64(parts.name, toUInt64(parts.modification_time), parts.rows, parts.bytes_on_disk)) AS mark
FROM system.parts AS parts
WHERE active AND database = {database:String} AND table = {table:String} AND parts.rows > 0
GROUP BY partition_id
ORDER BY partition_id
