-- What waits on the host to be sent by Distributed tables, by table and destination; those that are blocked or fail first.
-- A destination's folder may hold a user and password: the password is left out. Errors and the last exception stay after
-- sends go well again: the server halves the count every five minutes, so where nothing waits they say nothing.
-- params:
--   max_rows  UInt64
-- columns:
--   database                    String
--   table                       String
--   destination                 String
--   is_blocked                  UInt8
--   error_count                 UInt64
--   files                       UInt64
--   files_bytes                 UInt64            B
--   broken_files                Nullable(UInt64)
--   broken_bytes                Nullable(UInt64)  B
--   last_exception              String
--   last_exception_age_seconds  Nullable(Int64)   s
-- needs: system.distribution_queue
-- cost: cheap, in memory
-- engines: 20.10+
SELECT
    database,
    table,
    replaceRegexpOne(splitByChar('/', data_path)[-2], ':[^@]*@', '@') AS destination,
    is_blocked,
    error_count,
    data_files AS files,
    data_compressed_bytes AS files_bytes,
    toNullable(queue.broken_data_files) AS broken_files, -- optional: system.distribution_queue.broken_data_files
    toNullable(queue.broken_data_compressed_bytes) AS broken_bytes, -- optional: system.distribution_queue.broken_data_compressed_bytes
    substring(queue.last_exception, 1, 4000) AS last_exception,
    toNullable(toInt64(now()) - toInt64(queue.last_exception_time)) AS last_exception_age_seconds -- optional: system.distribution_queue.last_exception_time
FROM system.distribution_queue AS queue
WHERE data_files > 0 OR is_blocked OR broken_files > 0
ORDER BY is_blocked DESC, error_count > 0 DESC, broken_files > 0 DESC, files DESC, database, table, destination
LIMIT {max_rows:UInt64}
