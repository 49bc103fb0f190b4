-- What a reader's query gives, each row as JSON.
-- params:
--   query     Sql     one SELECT without FORMAT
--   max_rows  UInt64
-- columns:
--   chtui_row  String
-- cost: costly, what the query costs
-- engines: 20.8+
SELECT formatRow('JSONCompactEachRow', *) AS chtui_row
FROM
(
{query:Sql}
)
LIMIT {max_rows:UInt64}
