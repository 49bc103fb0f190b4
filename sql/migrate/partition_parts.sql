-- The active parts of one partition of a table: a hash of the checksums of their files, with which parts with equal
-- ones have the same rows, and what each adds to the partition's mark.
-- params:
--   database      String
--   table         String
--   partition_id  String
-- columns:
--   files_hash  String
--   mark        UInt64
-- needs: system.parts
-- cost: cheap, one table's parts
-- engines: 20.8+
SELECT
    parts.hash_of_all_files AS files_hash,
    cityHash64(parts.name, toUInt64(parts.modification_time), parts.rows, parts.bytes_on_disk) AS mark
FROM system.parts AS parts
WHERE active
    AND database = {database:String}
    AND table = {table:String}
    AND partition_id = {partition_id:String}
    AND parts.rows > 0
