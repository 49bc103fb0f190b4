-- Running statements of this migration, and those other servers run for them.
-- params:
--   prefix  String
-- columns:
--   query_id         String
--   elapsed_seconds  Float64  s
--   read_rows        UInt64
--   written_rows     UInt64
-- needs: system.processes
-- cost: cheap, the list of running queries
-- engines: 18.16+
SELECT query_id, toFloat64(elapsed) AS elapsed_seconds, toUInt64(running.read_rows) AS read_rows, toUInt64(running.written_rows) AS written_rows
FROM system.processes AS running
WHERE substring(query_id, 1, length({prefix:String})) = {prefix:String}
    OR substring(initial_query_id, 1, length({prefix:String})) = {prefix:String}
