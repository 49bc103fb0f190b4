-- The partitions of a table with their active parts' rows and bytes.
-- params:
--   database  String
--   table     String
-- columns:
--   partition_id        String
--   parts               UInt64
--   rows                UInt64
--   bytes_on_disk       UInt64  B
--   uncompressed_bytes  UInt64  B
-- needs: system.parts
-- cost: cheap, one table's parts
-- engines: 18.16+
SELECT
    partition_id,
    count() AS parts,
    sum(parts.rows) AS rows,
    sum(parts.bytes_on_disk) AS bytes_on_disk,
    sum(parts.data_uncompressed_bytes) AS uncompressed_bytes
FROM system.parts AS parts
WHERE active AND database = {database:String} AND table = {table:String}
GROUP BY partition_id
ORDER BY partition_id
