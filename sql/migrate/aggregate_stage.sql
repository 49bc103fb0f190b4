-- Computes an aggregate's states from the rows of one partition of its base.
-- params:
--   staging    Table
--   columns    Sql    the aggregate's columns
--   select     Sql    the expression over the base's columns for each
--   base       Table
--   condition  Sql    which rows count; empty for all
--   keys       Sql    what is grouped by; empty for no grouping
--   settings   Sql    empty for none
-- cost: costly, reads every row
-- engines: 18.16+
INSERT INTO {staging:Table} ({columns:Sql})
SELECT
{select:Sql}
FROM {base:Table}
WHERE {condition:Sql}
GROUP BY {keys:Sql}
SETTINGS {settings:Sql}
