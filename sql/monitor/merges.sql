-- Merges and mutated parts under way on the host, the longest first.
-- params:
--   max_rows  UInt64
-- columns:
--   database              String
--   table                 String
--   result_part_name      String
--   partition_id          Nullable(String)
--   num_parts             UInt64
--   is_mutation           Nullable(UInt8)
--   merge_type            Nullable(String)
--   elapsed_seconds       Float64           s
--   progress_ratio        Float64
--   total_size_bytes      UInt64            B
--   rows_read             UInt64
--   rows_written          UInt64
--   bytes_written         UInt64            B
--   memory_bytes          UInt64            B
-- needs: system.merges
-- cost: cheap, in memory
-- engines: 18.16+
SELECT
    database,
    table,
    result_part_name,
    toNullable(merges.partition_id) AS partition_id, -- optional: system.merges.partition_id
    num_parts,
    toNullable(merges.is_mutation) AS is_mutation, -- optional: system.merges.is_mutation
    toNullable(toString(merges.merge_type)) AS merge_type, -- optional: system.merges.merge_type
    elapsed AS elapsed_seconds,
    progress AS progress_ratio,
    total_size_bytes_compressed AS total_size_bytes,
    rows_read,
    rows_written,
    bytes_written_uncompressed AS bytes_written,
    memory_usage AS memory_bytes
FROM system.merges AS merges
ORDER BY elapsed DESC
LIMIT {max_rows:UInt64}
