-- Adds to a staging table some rows of another, given by their hashes, each so many times.
-- params:
--   staging   Table
--   columns   Sql            the columns that are given
--   from      Table          the staging table that has all rows
--   row_hash  Sql
--   hashes    Array(String)
--   times     UInt64
--   settings  Sql            empty for none
-- cost: costly, reads the rows of some hours
-- engines: 18.16+
INSERT INTO {staging:Table} ({columns:Sql})
SELECT {columns:Sql}
FROM {from:Table}
WHERE has({hashes:Array(String)}, toString({row_hash:Sql}))
LIMIT {times:UInt64} BY {row_hash:Sql}
SETTINGS {settings:Sql}
