-- Makes a materialized view that fills a table, where there is none of that name. It takes no rows that are there already.
-- params:
--   view       Table
--   cluster    Identifier  empty for the host asked alone
--   target     Table
--   rights     Sql         whose rights it works with; empty for the server's default
--   columns    Sql
--   source     Table
--   condition  Sql         which rows count; empty for all
--   keys       Sql         what is grouped by; empty for no grouping
-- cost: cheap, reads no row
-- engines: 18.16+
CREATE MATERIALIZED VIEW IF NOT EXISTS {view:Table}
ON CLUSTER {cluster:Identifier}
TO {target:Table}
{rights:Sql}
AS SELECT
{columns:Sql}
FROM {source:Table}
WHERE {condition:Sql}
GROUP BY {keys:Sql}
