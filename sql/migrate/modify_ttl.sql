-- Sets when rows of a table move and expire. Parts that are there already keep their old times until they are merged or
-- materialized one partition at a time.
-- params:
--   table    Table
--   cluster  Identifier  empty for the host asked alone
--   ttl      Sql
-- cost: cheap, the table's definition alone
-- engines: 20.5+ (materialize_ttl_after_modify)
ALTER TABLE {table:Table}
ON CLUSTER {cluster:Identifier}
MODIFY TTL {ttl:Sql}
SETTINGS materialize_ttl_after_modify = 0
