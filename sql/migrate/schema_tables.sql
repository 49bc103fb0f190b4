-- The tables and views of one database, as the server writes them.
-- params:
--   database  String
-- columns:
--   name                String
--   engine              String
--   create_table_query  String
-- needs: system.tables
-- cost: cheap, one database
-- engines: 18.16+
SELECT name, engine, create_table_query
FROM system.tables
WHERE database = {database:String}
ORDER BY name
