-- Makes a view where there is none of that name.
-- params:
--   view     Table
--   cluster  Identifier  empty for the host asked alone
--   select   Sql
-- cost: cheap, reads no row
-- engines: 18.16+
CREATE VIEW IF NOT EXISTS {view:Table}
ON CLUSTER {cluster:Identifier}
AS
{select:Sql}
