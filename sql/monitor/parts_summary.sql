-- Active parts of the host in one row, and the table with the most parts in one partition.
-- params:
-- columns:
--   tables                  UInt64
--   active_parts            UInt64
--   rows                    UInt64
--   bytes_on_disk           UInt64  B
--   max_parts_in_partition  UInt64
--   max_parts_table         String
-- needs: system.parts
-- cost: moderate, walks all parts; aggregated on the server
-- engines: 18.16+
SELECT
    uniqExact(database, table) AS tables,
    toUInt64(sum(partition_parts)) AS active_parts,
    toUInt64(sum(partition_rows)) AS rows,
    toUInt64(sum(partition_bytes)) AS bytes_on_disk,
    max(partition_parts) AS max_parts_in_partition,
    argMax(concat(database, '.', table), partition_parts) AS max_parts_table
FROM
(
    SELECT
        database,
        table,
        partition_id,
        count() AS partition_parts,
        sum(parts.rows) AS partition_rows,
        sum(parts.bytes_on_disk) AS partition_bytes
    FROM system.parts AS parts
    WHERE active
    GROUP BY database, table, partition_id
)
