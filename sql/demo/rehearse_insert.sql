-- Takes the rows that come with it into the stand-in for a table of v1, computed columns as v1 has them.
-- params:
--   table    Table
--   columns  Sql
-- cost: cheap, a sample
-- engines: 24.8+
INSERT INTO {table:Table} ({columns:Sql})
SETTINGS insert_allow_materialized_columns = 1
FORMAT Native
