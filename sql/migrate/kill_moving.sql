-- Tells running statements that move or read rows for this migration to stop: inserts of the run into its own tables, and
-- reads of this process that have lasted a while. What changes other tables is left alone. Returns at once.
-- params:
--   prefix        String   what the ids of the run's statements begin with
--   reads         String   what the ids of this process's reads begin with
--   read_seconds  Float64  s, how long such a read has lasted at least
-- columns:
-- cost: cheap, the list of running queries
-- engines: 18.16+
KILL QUERY WHERE is_initial_query
    AND ((substring(query_id, 1, length({prefix:String})) = {prefix:String}
            AND match(substring(query, 1, 1000), '^INSERT INTO \\S+\\.`chtui_'))
        OR (substring(query_id, 1, length({reads:String})) = {reads:String}
            AND toFloat64(elapsed) >= {read_seconds:Float64}
            AND substring(query, 1, 6) = 'SELECT')) ASYNC
