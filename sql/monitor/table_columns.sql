-- The columns of one table, in its order. Bytes are those of wide parts: compact ones do not tell them by column.
-- params:
--   database  String
--   table     String
--   max_rows  UInt64
-- columns:
--   name                 String
--   type                 String
--   codec                Nullable(String)
--   default_kind         String
--   default_expression   String
--   compressed_bytes     UInt64            B
--   uncompressed_bytes   UInt64            B
--   is_in_partition_key  UInt8
--   is_in_sorting_key    UInt8
--   is_in_primary_key    UInt8
--   is_in_sampling_key   UInt8
-- needs: system.columns
-- cost: cheap, one table; 16 ms among 2,000
-- engines: 18.16+
SELECT
    name,
    substring(type, 1, 1000) AS type,
    toNullable(described.compression_codec) AS codec, -- optional: system.columns.compression_codec
    default_kind,
    substring(default_expression, 1, 1000) AS default_expression,
    data_compressed_bytes AS compressed_bytes,
    data_uncompressed_bytes AS uncompressed_bytes,
    is_in_partition_key,
    is_in_sorting_key,
    is_in_primary_key,
    is_in_sampling_key
FROM system.columns AS described
WHERE database = {database:String} AND table = {table:String}
LIMIT {max_rows:UInt64}
