-- Sends all rows that a Distributed table of this host holds for others.
-- params:
--   table  Table
-- cost: moderate, waits until they are sent
-- engines: 22.3+
SYSTEM FLUSH DISTRIBUTED {table:Table}
