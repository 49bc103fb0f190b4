-- The value of a partition key for given values of the columns it is made of.
-- params:
--   partition  Sql  the partition key
--   columns    Sql  the columns it needs, as expressions with names
-- columns:
--   chtui_partition_key  String
-- cost: cheap, no table
-- engines: 18.16+
SELECT toString({partition:Sql}) AS chtui_partition_key
FROM (SELECT {columns:Sql})
