-- Whether the host has a database: one row, or none.
-- params:
--   database  String
-- columns:
--   name  String
-- needs: system.databases
-- cost: cheap, one row
-- engines: 18.16+
SELECT name
FROM system.databases
WHERE name = {database:String}
