-- What Distributed tables have acknowledged and not delivered yet.
-- params:
--   databases  Array(String)
-- columns:
--   database      String
--   table         String
--   files         UInt64
--   broken_files  UInt64
--   errors        UInt64
-- needs: system.distribution_queue
-- cost: cheap, in memory
-- engines: 19.17+
SELECT
    database,
    table,
    sum(data_files) AS files,
    sum(queue.broken_data_files) AS broken_files,
    sum(error_count) AS errors
FROM system.distribution_queue AS queue
WHERE has({databases:Array(String)}, database)
GROUP BY database, table
