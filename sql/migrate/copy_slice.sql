-- Copies one shard's rows of one slice of v1 into a staging table.
-- params:
--   staging   Table
--   columns   Sql    the columns of v2 that are given
--   distinct  Sql    DISTINCT where equal rows are to come once; else empty
--   given     Sql    the expression over v1's columns for each
--   from      Sql    the table function that reads v1
--   where     Sql    the slice
--   shard     Sql    the shard; empty where there is but one
--   settings  Sql    empty for none
-- cost: costly, copies rows
-- engines: 18.16+
INSERT INTO {staging:Table} ({columns:Sql})
SELECT
    {distinct:Sql}
    {given:Sql}
FROM {from:Sql}
WHERE {where:Sql}
    AND {shard:Sql}
SETTINGS {settings:Sql}
