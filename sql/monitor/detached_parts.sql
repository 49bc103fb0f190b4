-- The detached parts of the host, largest first; of all tables, or one by its names.
-- params:
--   database  String
--   table     String
--   max_rows  UInt64
-- columns:
--   database       String
--   table          String
--   partition_id   String
--   name           String
--   reason         String
--   disk           Nullable(String)
--   bytes_on_disk  Nullable(UInt64)  B
--   age_seconds    Nullable(Int64)   s
-- needs: system.detached_parts
-- cost: costly, walks the folders of all tables and parts; 104 ms for 2,000 tables without any
-- engines: 19.1+
SELECT
    database,
    table,
    ifNull(parts.partition_id, '') AS partition_id,
    name,
    ifNull(parts.reason, '') AS reason,
    toNullable(parts.disk) AS disk, -- optional: system.detached_parts.disk
    toNullable(parts.bytes_on_disk) AS bytes_on_disk, -- optional: system.detached_parts.bytes_on_disk
    toNullable(toInt64(now()) - toInt64(parts.modification_time)) AS age_seconds -- optional: system.detached_parts.modification_time
FROM system.detached_parts AS parts
WHERE (database = {database:String} OR {database:String} = '') AND (table = {table:String} OR {table:String} = '')
ORDER BY bytes_on_disk DESC, database, table, name
LIMIT {max_rows:UInt64}
