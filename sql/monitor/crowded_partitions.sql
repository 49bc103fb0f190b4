-- The partitions with the most active parts: of the 200 tables with the most in one partition, five each. What such a
-- table's limits are, `part_limits` tells.
-- params:
--   max_rows  UInt64
-- columns:
--   database       String
--   table          String
--   partition_id   String
--   parts          UInt64
--   bytes_on_disk  UInt64  B
--   table_parts    UInt64
-- needs: system.parts
-- cost: moderate, walks all parts; aggregated on the server
-- engines: 18.16+
SELECT
    database,
    table,
    tupleElement(crowd, 2) AS partition_id,
    tupleElement(crowd, 1) AS parts,
    tupleElement(crowd, 3) AS bytes_on_disk,
    table_parts
FROM
(
    SELECT
        database,
        table,
        toUInt64(sum(partition_parts)) AS table_parts,
        arraySlice(arrayReverseSort(groupArray((partition_parts, partition_id, partition_bytes))), 1, 5) AS crowds
    FROM
    (
        SELECT database, table, partition_id, count() AS partition_parts, toUInt64(sum(parts.bytes_on_disk)) AS partition_bytes
        FROM system.parts AS parts
        WHERE active
        GROUP BY database, table, partition_id
    )
    GROUP BY database, table
    ORDER BY max(partition_parts) DESC, database, table
    LIMIT 200
)
ARRAY JOIN crowds AS crowd
ORDER BY parts DESC, database, table, partition_id
LIMIT {max_rows:UInt64}
