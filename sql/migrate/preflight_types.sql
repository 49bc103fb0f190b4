-- The types of expressions over a table's columns; reads no row.
-- params:
--   expressions  Sql    separated by commas
--   table        Table
-- columns:
--   name  String
--   type  String
-- cost: cheap, reads no row
-- engines: 18.16+
DESCRIBE TABLE
(
    SELECT
{expressions:Sql}
    FROM {table:Table}
    LIMIT 0
)
