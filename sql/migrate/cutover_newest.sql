-- The newest event time of a table within some time; 0 where there is no row.
-- params:
--   from     Sql  the table
--   time_ns  Sql  the event time, in nanoseconds since 1970
--   where    Sql  which rows are looked at
-- columns:
--   chtui_newest_ns  Int64  ns
-- cost: moderate, one column of a day
-- engines: 18.16+
SELECT max({time_ns:Sql}) AS chtui_newest_ns
FROM {from:Sql}
WHERE {where:Sql}
