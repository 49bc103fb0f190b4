-- Makes an empty table of v1's form for a snapshot: no TTL, no replication, the same keys and policy.
-- params:
--   table         Table
--   source        Table
--   partition_by  Sql    empty for none
--   primary_key   Sql    empty where it is the sorting key
--   order_by      Sql    the sorting key; tuple() for none
--   sample_by     Sql    empty for none
--   settings      Sql    empty for none
-- cost: cheap, one table without rows
-- engines: 18.16+
CREATE TABLE {table:Table} AS {source:Table}
ENGINE = MergeTree
PARTITION BY {partition_by:Sql}
PRIMARY KEY {primary_key:Sql}
ORDER BY ({order_by:Sql})
SAMPLE BY {sample_by:Sql}
SETTINGS {settings:Sql}
