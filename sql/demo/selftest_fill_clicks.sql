-- Writes rows into v1's clicks, a row every ninety minutes.
-- params:
--   table  Table
--   rows   UInt64
-- cost: cheap, writes its rows
-- engines: 18.16+
INSERT INTO {table:Table}
SELECT
    toDateTime('2026-01-31 12:00:00') + number * 5400,
    concat('/', toString(number % 50)),
    number % 200
FROM numbers({rows:UInt64})
