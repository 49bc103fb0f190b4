-- Which of the named queries still run on the server, and whether the server has told them to stop.
-- params:
--   query_ids  Array(String)
-- columns:
--   name     String
--   is_told  UInt8
-- cost: cheap, the list of running queries
-- engines: 18.16+
SELECT query_id AS name, max(is_cancelled) AS is_told
FROM system.processes
WHERE has({query_ids:Array(String)}, query_id)
GROUP BY query_id
