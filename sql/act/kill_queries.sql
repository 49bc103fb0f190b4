-- Tell running queries, each named by its query_id, to stop. Returns at once (ASYNC); act/queries_left tells when they are gone.
-- params:
--   query_ids  Array(String)
-- columns:
-- cost: cheap, the list of running queries
-- engines: 18.16+
KILL QUERY WHERE has({query_ids:Array(String)}, query_id) ASYNC
