-- Gives the ids of statements of a run that are still under way.
-- params:
--   prefix  String
-- columns:
--   query_id  String
-- needs: system.processes
-- cost: cheap, the list of running queries
-- engines: 18.16+
SELECT query_id
FROM system.processes
WHERE substring(query_id, 1, length({prefix:String})) = {prefix:String}
