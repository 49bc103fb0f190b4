-- Makes a table where there is none of that name.
-- params:
--   table         Table
--   cluster       Identifier  empty for the host asked alone
--   columns       Sql         columns and skip indexes
--   engine        Sql
--   partition_by  Sql
--   order_by      Sql
--   ttl           Sql
--   settings      Sql
-- cost: cheap
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
