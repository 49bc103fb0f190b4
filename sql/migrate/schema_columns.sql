-- The columns of all tables of one database, in their order.
-- params:
--   database  String
-- columns:
--   table         String
--   name          String
--   type          String
--   default_kind  String
-- needs: system.columns
-- cost: cheap, one database
-- engines: 18.16+
SELECT table, name, type, default_kind
FROM system.columns
WHERE database = {database:String}
