-- Which of chtui's own queries still run on the server.
-- params:
--   query_ids  Array(String)
-- columns:
--   query_id  String
-- cost: cheap, the list of running queries
-- engines: 18.16+
SELECT query_id
FROM system.processes
WHERE has({query_ids:Array(String)}, query_id)
