-- Gives the aggregate over v2's events as one host holds it.
-- params:
--   table  Table
-- columns:
--   row_day      String
--   row_kind     String
--   merged_rows  UInt64
--   total_sum    Float64
-- cost: cheap, a table of the self test
-- engines: 18.16+
SELECT toString(day) AS row_day, toString(kind) AS row_kind, countMerge(rows) AS merged_rows, sumMerge(total) AS total_sum
FROM {table:Table}
GROUP BY day, kind
