-- Stop one query that this process issued and gave up waiting for. The one write allowed while not armed.
-- params:
--   query_id  String
-- columns:
-- cost: cheap, the list of running queries
-- engines: 18.16+
KILL QUERY WHERE query_id = {query_id:String} ASYNC
