-- Tells running statements of this migration, and those other servers run for them, to stop. Returns at once.
-- params:
--   prefix  String
-- columns:
-- cost: cheap, the list of running queries
-- engines: 18.16+
KILL QUERY WHERE substring(query_id, 1, length({prefix:String})) = {prefix:String}
    OR substring(initial_query_id, 1, length({prefix:String})) = {prefix:String} ASYNC
