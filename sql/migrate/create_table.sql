-- Makes a table where there is none of that name.
-- params:
--   table         Table
--   cluster       Identifier  empty for the host asked alone
--   columns       Sql         columns and skip indexes
--   engine        Sql
--   partition_by  Sql         empty for none
--   order_by      Sql         empty for an engine that has no keys
--   ttl           Sql         empty for none
--   settings      Sql         empty for none
-- cost: cheap, one table without rows
-- engines: 18.16+
CREATE TABLE IF NOT EXISTS {table:Table}
ON CLUSTER {cluster:Identifier}
(
{columns:Sql}
)
ENGINE = {engine:Sql}
PARTITION BY {partition_by:Sql}
ORDER BY {order_by:Sql}
TTL {ttl:Sql}
SETTINGS {settings:Sql}
