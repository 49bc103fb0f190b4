-- As cutover_answer, each row as the query gives it: its own columns.
-- params:
--   query     Sql     one SELECT without FORMAT
--   max_rows  UInt64
-- columns:
--   chtui_row  String
-- cost: costly, what the query costs
-- engines: 18.16+
SELECT *
FROM
(
{query:Sql}
)
LIMIT {max_rows:UInt64}
