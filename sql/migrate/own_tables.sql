-- Tables whose name begins as this migration's own do.
-- params:
--   database  String
--   prefix    String
-- columns:
--   name  String
-- needs: system.tables
-- cost: cheap, the names of one database's tables
-- engines: 18.16+
SELECT name
FROM system.tables
WHERE database = {database:String} AND substring(name, 1, length({prefix:String})) = {prefix:String}
ORDER BY name
