-- Makes a materialized view that fills a table, where there is none of that name. It takes no rows that are there already.
-- params:
--   view       Table
--   cluster    Identifier  empty for the host asked alone
--   target     Table
--   columns    Sql
--   source     Table
--   condition  Sql
--   keys       Sql         what is grouped by
-- cost: cheap
-- engines: 18.16+
CREATE MATERIALIZED VIEW IF NOT EXISTS {view:Table}
ON CLUSTER {cluster:Identifier}
TO {target:Table}
AS SELECT
{columns:Sql}
FROM {source:Table}
WHERE {condition:Sql}
GROUP BY {keys:Sql}
