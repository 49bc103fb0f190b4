-- Tells which node answers, and whether both its ports are open (its waiting query runs only then).
-- columns:
--   shard    String
--   replica  String
--   serving  Nullable(UInt64)
-- cost: cheap
-- engines: 23.8+
SELECT
    getMacro('shard') AS shard,
    getMacro('replica') AS replica,
    (SELECT count() FROM system.processes WHERE user = '' AND query LIKE '%/dev/stdin%') AS serving
