-- The partitions of the tables of a database with their active parts' rows and bytes.
-- params:
--   database  String
-- columns:
--   table          String
--   partition_id   String
--   rows           UInt64
--   bytes_on_disk  UInt64  B
-- needs: system.parts
-- cost: moderate, walks all parts
-- engines: 18.16+
SELECT
    table,
    partition_id,
    sum(parts.rows) AS rows,
    sum(parts.bytes_on_disk) AS bytes_on_disk
FROM system.parts AS parts
WHERE active AND database = {database:String}
GROUP BY table, partition_id
ORDER BY table, partition_id
