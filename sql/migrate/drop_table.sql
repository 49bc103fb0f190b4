-- Drops a table of this migration's own, if it is there.
-- params:
--   table     Table
--   settings  Sql    empty for none
-- cost: cheap, one table
-- engines: 18.16+
DROP TABLE IF EXISTS {table:Table}
SETTINGS {settings:Sql}
