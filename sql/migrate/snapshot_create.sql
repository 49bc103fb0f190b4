-- Makes an empty table of v1's form for a snapshot: no TTL, no replication, the same keys and policy.
-- params:
--   table         Table
--   source        Table
--   partition_by  Sql
--   primary_key   Sql
--   order_by      Sql
--   sample_by     Sql
--   settings      Sql
-- cost: cheap
-- engines: 18.16+
CREATE TABLE {table:Table} AS {source:Table}
ENGINE = MergeTree
PARTITION BY {partition_by:Sql}
PRIMARY KEY {primary_key:Sql}
ORDER BY ({order_by:Sql})
SAMPLE BY {sample_by:Sql}
SETTINGS {settings:Sql}
