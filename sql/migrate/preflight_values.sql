-- The distinct values among the rows that fulfil a condition, the most frequent first.
-- params:
--   value      Sql
--   condition  Sql
--   table      Table
--   max_rows   UInt64
-- columns:
--   chtui_value  String
--   chtui_rows   UInt64
-- cost: costly, reads the columns named of the whole table
-- engines: 18.16+
SELECT toString({value:Sql}) AS chtui_value, count() AS chtui_rows
FROM {table:Table}
WHERE {condition:Sql}
GROUP BY chtui_value
ORDER BY chtui_rows DESC, chtui_value
LIMIT {max_rows:UInt64}
