-- The storage policies of the tables that have another than the default one.
-- params:
--   max_rows  UInt64
-- columns:
--   database  String
--   table     String
--   policy    String
-- needs: system.tables, system.storage_policies
-- cost: moderate, walks all tables
-- engines: 19.15+
SELECT
    database,
    name AS table,
    storage_policy AS policy
FROM system.tables
WHERE storage_policy NOT IN ('', 'default')
LIMIT {max_rows:UInt64}
