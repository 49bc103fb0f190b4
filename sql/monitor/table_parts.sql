-- Active parts of every table of the host that has any, or of one table by its names; largest first. The memory of primary keys
-- is that of keys which are loaded: newer servers load them when they are first used.
-- params:
--   database  String
--   table     String
--   max_rows  UInt64
-- columns:
--   database                  String
--   table                     String
--   partitions                UInt64
--   active_parts              UInt64
--   rows                      UInt64
--   bytes_on_disk             UInt64  B
--   compressed_bytes          UInt64  B
--   uncompressed_bytes        UInt64  B
--   primary_key_memory_bytes  UInt64  B
--   largest_partition_id      String
--   largest_partition_bytes   UInt64  B
-- needs: system.parts
-- cost: moderate, walks all parts; 135 ms for 20,000
-- engines: 18.16+
SELECT
    database,
    table,
    count() AS partitions,
    toUInt64(sum(partition_parts)) AS active_parts,
    toUInt64(sum(partition_rows)) AS rows,
    toUInt64(sum(partition_bytes)) AS bytes_on_disk,
    toUInt64(sum(partition_compressed)) AS compressed_bytes,
    toUInt64(sum(partition_uncompressed)) AS uncompressed_bytes,
    toUInt64(sum(partition_key_memory)) AS primary_key_memory_bytes,
    argMax(partition_id, partition_bytes) AS largest_partition_id,
    max(partition_bytes) AS largest_partition_bytes
FROM
(
    SELECT
        database,
        table,
        partition_id,
        count() AS partition_parts,
        sum(parts.rows) AS partition_rows,
        sum(parts.bytes_on_disk) AS partition_bytes,
        sum(data_compressed_bytes) AS partition_compressed,
        sum(data_uncompressed_bytes) AS partition_uncompressed,
        sum(primary_key_bytes_in_memory) AS partition_key_memory
    FROM system.parts AS parts
    WHERE active AND (database = {database:String} OR {database:String} = '') AND (table = {table:String} OR {table:String} = '')
    GROUP BY database, table, partition_id
) AS partitioned
GROUP BY database, table
ORDER BY bytes_on_disk DESC, database, table
LIMIT {max_rows:UInt64}
