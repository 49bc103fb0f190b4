-- Drops a table of this migration's own, if it is there.
-- params:
--   table     Table
--   settings  Sql
-- cost: cheap
-- engines: 18.16+
DROP TABLE IF EXISTS {table:Table}
SETTINGS {settings:Sql}
