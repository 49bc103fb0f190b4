-- The partitions of one table, or one of them by its id; largest first. Dates and times are those of the partition key, if it has any.
-- params:
--   database      String
--   table         String
--   partition_id  String
--   max_rows      UInt64
-- columns:
--   partition_id         String
--   partition            String
--   active_parts         UInt64
--   rows                 UInt64
--   bytes_on_disk        UInt64            B
--   compressed_bytes     UInt64            B
--   uncompressed_bytes   UInt64            B
--   min_date             String
--   max_date             String
--   min_time             DateTime
--   max_time             DateTime
--   oldest_part_seconds  Int64             s
--   newest_part_seconds  Int64             s
--   disks                Nullable(String)
-- needs: system.parts
-- cost: cheap, one table; 17 ms among 2,000
-- engines: 18.16+
SELECT
    partition_id,
    substring(any(parts.partition), 1, 200) AS partition,
    count() AS active_parts,
    toUInt64(sum(parts.rows)) AS rows,
    toUInt64(sum(parts.bytes_on_disk)) AS bytes_on_disk,
    toUInt64(sum(data_compressed_bytes)) AS compressed_bytes,
    toUInt64(sum(data_uncompressed_bytes)) AS uncompressed_bytes,
    toString(min(parts.min_date)) AS min_date,
    toString(max(parts.max_date)) AS max_date,
    min(parts.min_time) AS min_time,
    max(parts.max_time) AS max_time,
    toInt64(now()) - toInt64(min(modification_time)) AS oldest_part_seconds,
    toInt64(now()) - toInt64(max(modification_time)) AS newest_part_seconds,
    toNullable(arrayStringConcat(arraySort(groupUniqArray(parts.disk_name)), ', ')) AS disks -- optional: system.parts.disk_name
FROM system.parts AS parts
WHERE active AND database = {database:String} AND table = {table:String} AND (partition_id = {partition_id:String} OR {partition_id:String} = '')
GROUP BY partition_id
ORDER BY bytes_on_disk DESC, partition_id
LIMIT {max_rows:UInt64}
