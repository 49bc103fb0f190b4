-- The MergeTree tables of the host; of all databases, or one by its names.
-- params:
--   database  String
--   table     String
--   max_rows  UInt64
-- columns:
--   database  String
--   table     String
--   engine    String
-- needs: system.tables
-- cost: moderate, walks all tables; 17 ms for 2,000
-- engines: 18.16+
SELECT database, name AS table, engine
FROM system.tables
WHERE engine LIKE '%MergeTree' AND (database = {database:String} OR {database:String} = '') AND (name = {table:String} OR {table:String} = '')
ORDER BY database, name
LIMIT {max_rows:UInt64}
