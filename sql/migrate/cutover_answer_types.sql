-- The columns of what a reader's query gives; it is not run.
-- params:
--   query  Sql  one SELECT without FORMAT
-- columns:
--   name  String
--   type  String
-- cost: cheap, plans the query
-- engines: 18.16+
DESCRIBE TABLE
(
{query:Sql}
)
