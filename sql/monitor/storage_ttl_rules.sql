-- The TTL clauses of the tables that have one, with the settings that say how they are carried out, for a table and for the server.
-- params:
--   max_rows  UInt64
-- columns:
--   database                   String
--   table                      String
--   clause                     String
--   only_drop_parts            String
--   default_only_drop_parts    String
--   merge_timeout              String
--   default_merge_timeout      String
-- needs: system.tables, system.merge_tree_settings, system.storage_policies
-- cost: costly, formats the definition of every table
-- engines: 20.12+
WITH
    (SELECT any(value) FROM system.merge_tree_settings WHERE name = 'ttl_only_drop_parts') AS only_drop,
    (SELECT any(value) FROM system.merge_tree_settings WHERE name = 'merge_with_ttl_timeout') AS timeout
SELECT
    database,
    name AS table,
    substring(engine_full, position(engine_full, ' TTL '), 8000) AS clause,
    extract(engine_full, '[ ,]ttl_only_drop_parts = (\\w+)') AS only_drop_parts,
    assumeNotNull(only_drop) AS default_only_drop_parts,
    extract(engine_full, '[ ,]merge_with_ttl_timeout = (\\w+)') AS merge_timeout,
    assumeNotNull(timeout) AS default_merge_timeout
FROM system.tables
WHERE engine LIKE '%MergeTree' AND engine_full LIKE '% TTL %'
LIMIT {max_rows:UInt64}
