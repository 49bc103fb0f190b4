-- Adds to a staging table the rows of another of which a table has none.
-- params:
--   staging   Table
--   columns   Sql    the columns that are given
--   from      Table  the staging table that has all rows
--   row_hash  Sql
--   table     Table  the table that lacks some
--   where     Sql    which of its rows are looked at
--   settings  Sql    empty for none
-- cost: costly, reads the rows of some hours twice
-- engines: 18.16+
INSERT INTO {staging:Table} ({columns:Sql})
SELECT {columns:Sql}
FROM {from:Table}
WHERE {row_hash:Sql} NOT IN (SELECT {row_hash:Sql} FROM {table:Table} WHERE {where:Sql})
SETTINGS {settings:Sql}
