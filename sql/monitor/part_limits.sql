-- How many parts delay and refuse inserts: the server's defaults for plain and Replicated tables, and what the tables
-- named have set for themselves. A limit of 0 does not hold. Where the average part of a partition is larger than
-- `exempt_part_bytes` (0: no such rule), the partition delays and refuses nothing.
-- params:
--   tables  Array(String)  each as length of the database name, `:`, database, `.`, table
--   names   Array(String)  the tables' names alone: the server asks no other
-- columns:
--   kind               String
--   database           String
--   table              String
--   is_replicated      UInt8
--   parts_to_delay     Nullable(UInt64)
--   parts_to_throw     Nullable(UInt64)
--   max_table_parts    Nullable(UInt64)
--   exempt_part_bytes  Nullable(UInt64)  B
-- needs: system.tables system.merge_tree_settings system.replicated_merge_tree_settings
-- cost: moderate, the definition of each table named
-- engines: 22.1+
SELECT
    'defaults' AS kind,
    '' AS database,
    '' AS table,
    toUInt8(0) AS is_replicated,
    toNullable(maxIf(toUInt64OrZero(value), name = 'parts_to_delay_insert')) AS parts_to_delay,
    toNullable(maxIf(toUInt64OrZero(value), name = 'parts_to_throw_insert')) AS parts_to_throw,
    toNullable(maxIf(toUInt64OrZero(value), name = 'max_parts_in_total')) AS max_table_parts,
    toNullable(maxIf(toUInt64OrZero(value), name = 'max_avg_part_size_for_too_many_parts')) AS exempt_part_bytes
FROM system.merge_tree_settings
UNION ALL
SELECT
    'defaults' AS kind,
    '' AS database,
    '' AS table,
    toUInt8(1) AS is_replicated,
    toNullable(maxIf(toUInt64OrZero(value), name = 'parts_to_delay_insert')) AS parts_to_delay,
    toNullable(maxIf(toUInt64OrZero(value), name = 'parts_to_throw_insert')) AS parts_to_throw,
    toNullable(maxIf(toUInt64OrZero(value), name = 'max_parts_in_total')) AS max_table_parts,
    toNullable(maxIf(toUInt64OrZero(value), name = 'max_avg_part_size_for_too_many_parts')) AS exempt_part_bytes
FROM system.replicated_merge_tree_settings
UNION ALL
SELECT
    'own' AS kind,
    database,
    name AS table,
    toUInt8(engine LIKE 'Replicated%') AS is_replicated,
    if(match(engine_full, '(?:SETTINGS |, )parts_to_delay_insert = '), toUInt64OrZero(extract(engine_full, '(?:SETTINGS |, )parts_to_delay_insert = [^0-9]?([0-9]+)')), NULL) AS parts_to_delay,
    if(match(engine_full, '(?:SETTINGS |, )parts_to_throw_insert = '), toUInt64OrZero(extract(engine_full, '(?:SETTINGS |, )parts_to_throw_insert = [^0-9]?([0-9]+)')), NULL) AS parts_to_throw,
    if(match(engine_full, '(?:SETTINGS |, )max_parts_in_total = '), toUInt64OrZero(extract(engine_full, '(?:SETTINGS |, )max_parts_in_total = [^0-9]?([0-9]+)')), NULL) AS max_table_parts,
    if(match(engine_full, '(?:SETTINGS |, )max_avg_part_size_for_too_many_parts = '), toUInt64OrZero(extract(engine_full, '(?:SETTINGS |, )max_avg_part_size_for_too_many_parts = [^0-9]?([0-9]+)')), NULL) AS exempt_part_bytes
FROM system.tables
WHERE has(arrayPushBack({names:Array(String)}, ''), name) AND has(arrayPushBack({tables:Array(String)}, ''), concat(toString(length(database)), ':', database, '.', name))
