-- Rows of a table that are older than its expiry already, by partition.
-- params:
--   table    Table
--   expires  Sql    when a row expires
-- columns:
--   chtui_partition_id  String
--   chtui_rows          UInt64
-- cost: moderate, the columns of the expiry
-- engines: 18.16+
SELECT splitByChar('_', _part)[1] AS chtui_partition_id, count() AS chtui_rows
FROM {table:Table}
WHERE ({expires:Sql}) <= now()
GROUP BY chtui_partition_id
ORDER BY chtui_partition_id
