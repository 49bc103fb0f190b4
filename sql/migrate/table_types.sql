-- The columns of a table with their types and kinds.
-- params:
--   database  String
--   table     String
-- columns:
--   name          String
--   type          String
--   default_kind  String
-- needs: system.columns
-- cost: cheap, one table's columns
-- engines: 18.16+
SELECT name, type, default_kind
FROM system.columns
WHERE database = {database:String} AND table = {table:String}
