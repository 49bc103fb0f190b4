-- The tables and views of the host that are no MergeTree tables, but those of the system.
-- params:
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
WHERE engine NOT LIKE '%MergeTree' AND database NOT IN ('system', 'INFORMATION_SCHEMA', 'information_schema')
ORDER BY database, name
LIMIT {max_rows:UInt64}
