-- Gives what the aggregate over v2's events must come to, computed from v1's rows.
-- params:
--   table  Table
-- columns:
--   row_day   String
--   row_kind  String
--   rows      UInt64
--   total     Float64
-- cost: cheap, a table of the self test
-- engines: 18.16+
SELECT toString(toDate(ts)) AS row_day, lower(kind) AS row_kind, count() AS rows, sum(value) AS total
FROM {table:Table}
WHERE lower(kind) != 'blue'
GROUP BY toDate(ts), lower(kind)
