-- The parts of one partition, the active ones first, largest first; the others wait to be removed.
-- params:
--   database      String
--   table         String
--   partition_id  String
--   max_rows      UInt64
-- columns:
--   name                String
--   active              UInt8
--   rows                UInt64
--   bytes_on_disk       UInt64            B
--   compressed_bytes    UInt64            B
--   uncompressed_bytes  UInt64            B
--   level               UInt32
--   data_version        UInt64
--   refcount            UInt32
--   age_seconds         Int64             s
--   disk                Nullable(String)
--   part_type           Nullable(String)
-- needs: system.parts
-- cost: cheap, one table; 17 ms among 2,000
-- engines: 18.16+
SELECT
    name,
    active,
    rows,
    bytes_on_disk,
    data_compressed_bytes AS compressed_bytes,
    data_uncompressed_bytes AS uncompressed_bytes,
    level,
    data_version,
    refcount,
    toInt64(now()) - toInt64(modification_time) AS age_seconds,
    toNullable(parts.disk_name) AS disk, -- optional: system.parts.disk_name
    toNullable(parts.part_type) AS part_type -- optional: system.parts.part_type
FROM system.parts AS parts
WHERE database = {database:String} AND table = {table:String} AND partition_id = {partition_id:String}
ORDER BY active DESC, bytes_on_disk DESC, name
LIMIT {max_rows:UInt64}
