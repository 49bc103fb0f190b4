-- The distinct values among the rows that fulfil a condition, the most frequent first.
-- params:
--   value      Sql
--   condition  Sql
--   table      Table
--   max_rows   UInt64
-- columns:
--   value  String
--   rows   UInt64
-- cost: costly, reads the columns named of the whole table
-- engines: 18.16+
SELECT toString({value:Sql}) AS value, count() AS rows
FROM {table:Table}
WHERE {condition:Sql}
GROUP BY value
ORDER BY rows DESC, value
LIMIT {max_rows:UInt64}
