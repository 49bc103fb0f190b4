-- The rows of a table that fulfil a condition, by a partition key.
-- params:
--   partition  Sql
--   condition  Sql
--   table      Table
-- columns:
--   chtui_partition_key  String
--   chtui_rows           UInt64
-- cost: costly, reads the columns named of the whole table
-- engines: 18.16+
SELECT toString({partition:Sql}) AS chtui_partition_key, count() AS chtui_rows
FROM {table:Table}
WHERE {condition:Sql}
GROUP BY chtui_partition_key
ORDER BY chtui_partition_key
