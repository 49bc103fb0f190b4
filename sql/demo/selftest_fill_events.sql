-- Writes rows into v1's events, a row every two hours, some with NULL. Quarters have an exact binary form: their sums are the same in any order.
-- params:
--   table  Table
--   rows   UInt64
-- cost: cheap, writes its rows
-- engines: 18.16+
INSERT INTO {table:Table}
SELECT
    toDateTime('2026-01-30 00:00:00') + number * 7200,
    toString(intDiv(number, 3)),
    ['Red', 'GREEN', 'blue'][number % 3 + 1],
    number / 4,
    if(number % 5 = 0, NULL, concat('note ', toString(number % 4)))
FROM numbers({rows:UInt64})
