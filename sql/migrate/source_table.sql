-- How a table of v1 is made: engine, keys, policy.
-- params:
--   database  String
--   table     String
-- columns:
--   engine          String
--   partition_key   String
--   sorting_key     String
--   primary_key     String
--   sampling_key    String
--   storage_policy  Nullable(String)
--   engine_full     String
-- needs: system.tables
-- cost: cheap, one table's definition
-- engines: 18.16+
SELECT
    engine,
    partition_key,
    sorting_key,
    primary_key,
    sampling_key,
    toNullable(tables.storage_policy) AS storage_policy, -- optional: system.tables.storage_policy
    engine_full
FROM system.tables AS tables
WHERE database = {database:String} AND name = {table:String}
