-- All generations of a run's lease, and what their holders wrote.
-- params:
--   database  String
--   pattern   String  a regular expression of their names
-- columns:
--   table    String
--   comment  String
-- needs: system.tables.comment
-- cost: cheap, the names of one database's tables
-- engines: 21.12+
SELECT
    name AS table,
    tables.comment AS comment
FROM system.tables AS tables
WHERE database = {database:String} AND match(name, {pattern:String})
