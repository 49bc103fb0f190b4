-- Writes some of v1's events once more: a migration must bring both.
-- params:
--   table  Table
-- cost: cheap, writes a tenth of the rows
-- engines: 18.16+
INSERT INTO {table:Table}
SELECT *
FROM {table:Table}
WHERE toUInt32OrZero(id) % 10 = 0
