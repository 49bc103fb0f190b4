-- The columns of a table with what computes them and what they take on disk.
-- params:
--   database  String
--   table     String
-- columns:
--   name                String
--   type                String
--   default_kind        String
--   default_expression  String
--   compressed_bytes    UInt64  B
-- needs: system.columns
-- cost: moderate, walks the table's parts
-- engines: 18.16+
SELECT
    name,
    type,
    default_kind,
    default_expression,
    data_compressed_bytes AS compressed_bytes
FROM system.columns
WHERE database = {database:String} AND table = {table:String}
