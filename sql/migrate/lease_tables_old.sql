-- As lease_tables, where tables have no comment: it is that of the first column.
-- params:
--   database  String
--   pattern   String  a regular expression of their names
-- columns:
--   table    String
--   comment  String
-- needs: system.columns
-- cost: cheap, the columns of one database's tables
-- engines: 18.16+
SELECT
    table,
    comment
FROM system.columns
WHERE database = {database:String} AND match(table, {pattern:String}) AND name = 'until'
