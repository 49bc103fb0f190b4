-- The rows of a table that fulfil a condition, by a partition key.
-- params:
--   partition  Sql
--   condition  Sql
--   table      Table
-- columns:
--   partition_key  String
--   rows           UInt64
-- cost: costly, reads the columns named of the whole table
-- engines: 18.16+
SELECT toString({partition:Sql}) AS partition_key, count() AS rows
FROM {table:Table}
WHERE {condition:Sql}
GROUP BY partition_key
ORDER BY partition_key
